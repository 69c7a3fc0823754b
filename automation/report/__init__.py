"""Reports of checks and drills.

files       writes a report in all its formats, and reads it again
page        the HTML page, with its pictures: diagram (checks), timeline (drills), load_plots
axes        the axes of the pictures
junit       JUnit XML
terminal    output on the terminal
"""
