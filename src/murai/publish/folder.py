"""Pictures and clips into a folder: a disk, a share, what another program watches."""

from pathlib import Path

from murai.errors import MuraiError
from murai.publish.credentials import Keeper
from murai.publish.login import Questions
from murai.publish.post import Limits, LoggedOut, Notes, Prepared, TryLater
from murai.sinks.whole import WholeFile


class Folder:
    """Writes each picture or clip under its key, and a text of its name with the caption and what is seen.

    Both appear whole; the text first, so that who sees a picture finds its text. The name makes it happen only once.
    """

    name = "folder"
    limits = Limits(clip=None)

    def __init__(self, accounts: Keeper) -> None:
        self._accounts = accounts

    @staticmethod
    def login(ask: Questions) -> dict[str, str]:
        """Ask for the folder."""
        return {"folder": str(Path(ask.line("The folder for the pictures")).expanduser().absolute())}

    def account(self) -> str:
        """The folder. Raises TryLater where it is not there."""
        folder = self._folder()
        if not folder.is_dir():
            raise TryLater(f"there is no folder {folder}; make it, or plug its disk in.")
        return str(folder)

    def send(self, post: Prepared, notes: Notes) -> str:
        """Write both files. Raises TryLater where the folder does not take them now."""
        picture = self._folder() / post.name
        texts = [text for text in (post.caption, post.alt) if text]
        try:
            for left in picture.parent.glob(f".{post.key}.*.part.*"):  # by a process that was killed
                left.unlink(missing_ok=True)
            _write(picture.with_suffix(".txt"), ("\n\n".join(texts) + "\n").encode())
            _write(picture, post.data)
        except (OSError, MuraiError) as error:
            raise TryLater(str(error)) from error
        return picture.as_uri()

    def _folder(self) -> Path:
        values = self._accounts.read(self.name)
        if "folder" not in values:
            raise LoggedOut("no folder is set; `murai publish login folder` asks for it.")
        return Path(values["folder"])


def _write(path: Path, data: bytes) -> None:
    whole = WholeFile(path, overwrite=True)
    whole.temporary.write_bytes(data)
    whole.commit()
