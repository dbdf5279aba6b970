"""A live show played by a program: the pattern, painted to nowhere, its strength rising for two seconds."""

import time

from murai import Pipeline, open_sink, open_source, open_stylizer

pipeline = Pipeline(open_source("pattern", size=(320, 180)), open_stylizer("starry_night"), [open_sink("null")])
with pipeline:
    for step in range(11):
        pipeline.update(strength=step / 10)
        time.sleep(0.2)
    pipeline.stop()

print(pipeline.stats.summary())
