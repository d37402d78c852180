"""Speech to words: whisper.cpp, given only what is speech."""
