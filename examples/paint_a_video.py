"""Paint a video, or ten seconds of the pattern where none is named: paint_a_video.py [IN] OUT."""

import sys

from murai import Pipeline, open_sink, open_source, open_stylizer
from murai.sources.pattern import PatternSource

*given, output = sys.argv[1:]
source = open_source(given[0]) if given else PatternSource(320, 180, live=False, frames=60)
pipeline = Pipeline(source, open_stylizer("starry_night"), [open_sink(output, overwrite=True)])
pipeline.run()

print(pipeline.stats.summary())
