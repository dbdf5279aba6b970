"""A real RTSP server, GStreamer's, for the system's own Python: rtsp_server.py PORT [USER PASSWORD]."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
server = GstRtspServer.RTSPServer(service=sys.argv[1], address="127.0.0.1")
factory = GstRtspServer.RTSPMediaFactory(shared=True)
factory.set_launch(
    "( videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=20/1 "
    "! x264enc tune=zerolatency key-int-max=10 threads=1 ! rtph264pay name=pay0 )"
)
if len(sys.argv) > 2:
    user, password = sys.argv[2:]
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "guest")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("guest", "media.factory.access", True)
    permissions.add_permission_for_role("guest", "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
GLib.MainLoop().run()
