"""What is done with a recording: look into it, judge whether we take it, make what people watch and hear."""
