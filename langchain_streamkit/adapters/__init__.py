"""From the stream to a screen."""
