"""auditor: which visible features, pasted into a picture, push a classifier from one class to another, and how often.

    from auditor import AuditConfig, audit

Names are loaded when they are first asked for, so that the command line starts quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.core.config import AuditConfig as AuditConfig
    from auditor.core.config import read_config as read_config
    from auditor.core.errors import AuditorError as AuditorError
    from auditor.run.audit import audit as audit
    from auditor.run.finished import Audit as Audit
    from auditor.run.review import open_run as open_run

__version__ = "0.1.0"
__all__ = ["Audit", "AuditConfig", "AuditorError", "__version__", "audit", "open_run", "read_config"]

_HOMES = {
    "Audit": "auditor.run.finished",
    "AuditConfig": "auditor.core.config",
    "AuditorError": "auditor.core.errors",
    "audit": "auditor.run.audit",
    "open_run": "auditor.run.review",
    "read_config": "auditor.core.config",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'auditor' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
