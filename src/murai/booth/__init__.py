"""The photo booth: the visit, the gallery, the pages for phones and for the host, printing."""
