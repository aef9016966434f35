"""From a WAV file to words with times. Only `child` and what it alone imports load torch."""
