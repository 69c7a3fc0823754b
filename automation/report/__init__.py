"""Reports of checks and drills.

files       writes a report in all its formats, and reads it again
page        the HTML page, with its pictures: diagram (checks) and timeline (drills)
junit       JUnit XML
terminal    output on the terminal
"""
