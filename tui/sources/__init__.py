"""Where frames come from: the only place that does I/O."""
