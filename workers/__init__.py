"""The processes that do the heavy part: inspect, convert, transcribe, sign."""
