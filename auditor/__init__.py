"""auditor: which visible features, pasted into a picture, push a classifier from one class to another, and how often.

    from auditor import AuditConfig, audit

Names are loaded when they are first asked for, so that the command line starts quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.config import AuditConfig as AuditConfig
    from auditor.config import read_config as read_config
    from auditor.errors import AuditorError as AuditorError
    from auditor.results import Audit as Audit
    from auditor.run import audit as audit

__version__ = "0.1.0"
__all__ = ["Audit", "AuditConfig", "AuditorError", "__version__", "audit", "read_config"]

_HOMES = {
    "Audit": "auditor.results",
    "AuditConfig": "auditor.config",
    "AuditorError": "auditor.errors",
    "audit": "auditor.run",
    "read_config": "auditor.config",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'auditor' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
