"""Archives with the same bytes whenever and wherever they are made: entries in order, one time, nobody's names."""

import gzip
import io
import tarfile
from collections.abc import Mapping

_READABLE = 0o644


def tar_gz(files: Mapping[str, bytes], written_s: int) -> bytes:
    """These files, by their paths in the archive, all dated so many seconds after 1970."""
    packed = io.BytesIO()
    # Without a file's name, and with a time of its own, the header of gzip is the same each time.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=written_s) as stream,
        tarfile.open(mode="w", fileobj=stream, format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in sorted(files):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mtime, entry.mode = len(files[path]), written_s, _READABLE
            archive.addfile(entry, io.BytesIO(files[path]))
    return packed.getvalue()
