"""The pipeline of one evidence: inspect, convert, transcribe, extract. Each is one job handler."""
