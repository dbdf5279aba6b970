"""Send pictures and clips to social networks, folders and other programs, exactly once and whatever happens in between.

An `Outbox` keeps one row for each picture and service on the disk; a `Publisher` sends what is due. The services are
found by name with `open_services`. What cannot be sent now is tried again, for days if it has to be.

    outbox = Outbox(folder / "outbox.sqlite", say)
    publisher = Publisher(outbox, open_services(["bluesky", "folder"], Credentials(folder)), say)
    outbox.add(Post(key, picture, caption, alt, made), ["bluesky", "folder"], approved=True)
"""

from murai.errors import DeliveryError
from murai.publish.outbox import Outbox, Row
from murai.publish.post import Limits, LoggedOut, Post, Prepared, Refused, Service, TryLater, Unsure
from murai.publish.publisher import Publisher
from murai.publish.services import SERVICES, open_service, open_services

__all__ = [
    "SERVICES",
    "DeliveryError",
    "Limits",
    "LoggedOut",
    "Outbox",
    "Post",
    "Prepared",
    "Publisher",
    "Refused",
    "Row",
    "Service",
    "TryLater",
    "Unsure",
    "open_service",
    "open_services",
]
