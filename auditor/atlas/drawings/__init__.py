"""Pictures of an atlas: cells, crops and icons in, images out. Nothing here measures or writes a file."""
