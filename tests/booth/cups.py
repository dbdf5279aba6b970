"""A CUPS server of its own, with a printer that writes PDF files, for the tests of printing."""

import getpass
import grp
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = Path("/usr/lib/cups")
BACKEND = """#!/bin/sh
# A printer: job, user, title, copies, options and perhaps a file; where there is a file "empty" it has no paper,
# and where there is a file "says" it says that of itself.
[ $# = 0 ] && { echo 'direct booth "Unknown" "Booth"'; exit 0; }
out=${DEVICE_URI#booth://}
[ -e "$out/says" ] && echo "STATE: +$(cat "$out/says")" >&2
while [ -e "$out/empty" ]; do echo "STATE: +media-empty-error" >&2; sleep 0.1; done
echo "STATE: -media-empty-error" >&2
cat "${6:--}" > "$out/$1.part" && mv "$out/$1.part" "$out/$1.pdf"
"""
DRIVER = """*PPD-Adobe: "4.3"
*FormatVersion: "4.3"
*FileVersion: "1.0"
*LanguageVersion: English
*LanguageEncoding: ISOLatin1
*PCFileName: "BOOTH.PPD"
*Manufacturer: "Booth"
*Product: "(Booth)"
*ModelName: "Booth"
*ShortNickName: "Booth"
*NickName: "Booth"
*PSVersion: "(3010) 0"
*LanguageLevel: "3"
*ColorDevice: True
*DefaultColorSpace: RGB
*cupsManualCopies: True
*cupsFilter2: "application/vnd.cups-pdf application/pdf 0 -"
*OpenUI *PageSize: PickOne
*DefaultPageSize: w432h288
*PageSize w432h288/6x4: ""
*PageSize w288h432/4x6: ""
*PageSize w360h504/5x7: ""
*PageSize w432h576/6x8: ""
*PageSize A5/A5: ""
*PageSize A4/A4: ""
*PageSize Letter/Letter: ""
*CloseUI: *PageSize
*OpenUI *PageRegion: PickOne
*DefaultPageRegion: w432h288
*PageRegion w432h288/6x4: ""
*PageRegion w288h432/4x6: ""
*PageRegion w360h504/5x7: ""
*PageRegion w432h576/6x8: ""
*PageRegion A5/A5: ""
*PageRegion A4/A4: ""
*PageRegion Letter/Letter: ""
*CloseUI: *PageRegion
*DefaultImageableArea: w432h288
*ImageableArea w432h288: "0 0 432 288"
*ImageableArea w288h432: "0 0 288 432"
*ImageableArea w360h504: "0 0 360 504"
*ImageableArea w432h576: "0 0 432 576"
*ImageableArea A5: "0 0 420 595"
*ImageableArea A4: "0 0 595 842"
*ImageableArea Letter: "0 0 612 792"
*DefaultPaperDimension: w432h288
*PaperDimension w432h288: "432 288"
*PaperDimension w288h432: "288 432"
*PaperDimension w360h504: "360 504"
*PaperDimension w432h576: "432 576"
*PaperDimension A5: "420 595"
*PaperDimension A4: "595 842"
*PaperDimension Letter: "612 792"
"""
SERVER = """Listen {folder}/cups.sock
Browsing No
DefaultAuthType None
WebInterface No
<Location />
Order allow,deny
Allow all
</Location>
<Policy default>
JobPrivateAccess all
JobPrivateValues none
<Limit All>
Order deny,allow
Allow all
</Limit>
</Policy>
"""
FILES = """ServerRoot {folder}/root
ServerBin {folder}/bin
RequestRoot {folder}/spool
CacheDir {folder}/cache
StateDir {folder}/state
TempDir {folder}/tmp
ErrorLog {folder}/error_log
AccessLog {folder}/access_log
PageLog {folder}/page_log
User {user}
Group {group}
SystemGroup {system}
"""


@contextmanager
def cups(folder: Path) -> Iterator[str]:
    """The address of a server that runs for the time of a `with`, for CUPS_SERVER. Others may enter its `folder`."""
    for name in ("root/ppd", "bin/backend", "spool", "cache", "state", "tmp"):
        (folder / name).mkdir(parents=True)
    for name in ("filter", "daemon", "driver", "notifier", "monitor"):
        (folder / "bin" / name).symlink_to(BINARIES / name)
    backend = folder / "bin/backend/booth"
    backend.write_text(BACKEND)
    backend.chmod(0o755)
    (folder / "booth.ppd").write_text(DRIVER)
    # As root, filters run as another user, who has to be named.
    root = os.geteuid() == 0
    own = grp.getgrgid(os.getegid()).gr_name
    names = {"user": "lp" if root else getpass.getuser(), "group": "lp" if root else own, "system": own}
    (folder / "cupsd.conf").write_text(SERVER.format(folder=folder))
    (folder / "cups-files.conf").write_text(FILES.format(folder=folder, **names))
    # A copy: some systems confine the program of that path to the places of the system's own server.
    program = shutil.copy(shutil.which("cupsd") or "/usr/sbin/cupsd", folder / "cupsd")
    command = [program, "-f", "-c", folder / "cupsd.conf", "-s", folder / "cups-files.conf"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            end = time.monotonic() + 20
            while not (folder / "cups.sock").is_socket():
                assert server.poll() is None, (folder / "error_log").read_text()
                assert time.monotonic() < end
                time.sleep(0.02)
            yield str(folder / "cups.sock")
        finally:
            server.terminate()


def add_printer(folder: Path, name: str) -> Path:
    """A printer of the server that CUPS_SERVER names; returns where it writes JOB.pdf."""
    out = folder / name
    out.mkdir()
    out.chmod(0o777)
    command = ["lpadmin", "-p", name, "-E", "-v", f"booth://{out}", "-P", folder / "booth.ppd"]
    subprocess.run(command, check=True, capture_output=True)
    return out
