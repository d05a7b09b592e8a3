"""Write examples/photos.csv: path,label for a folder of photographs that are named after their class.

python examples/imagenet_csv.py FOLDER, where FOLDER/images holds <wnid>.jpg.
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path


def main() -> None:
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "images").is_dir():
        sys.exit("usage: python examples/imagenet_csv.py FOLDER (FOLDER/images holds <wnid>.jpg)")
    target = Path(__file__).resolve().parent / "photos.csv"
    photos = sorted((Path(sys.argv[1]).resolve() / "images").glob("*.jpg"))
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label"])
        writer.writerows((os.path.relpath(photo, target.parent), photo.stem) for photo in photos)
    sys.stdout.write(f"{target}: {len(photos)} photographs\n")


if __name__ == "__main__":
    main()
