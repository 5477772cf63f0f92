"""What a run found out: verdicts, waivers, profiles, and their text and JSON.

Pure: values in, values or text out. No pytest, no event loop, no service; reading a waiver
file and writing a report file are the only I/O.
"""
