"""The vocabulary of tests: what a lab's tests import, and what travels with them.

core     failures, partial credit, measured numbers, explanations of common mistakes
values   numbers, arrays, text, choices and functions that students hand in
tables   tables of pandas: columns, rows, values
figures  figures of Matplotlib: labels, lines, bars
keras    Keras models: structure, compile settings, training history, outputs
mnist    the MNIST data set and its normalisation

These modules import the standard library, NumPy and Keras, and nothing of the kit: `authoring.bundle` copies the
definitions that a test uses in front of it, so notebooks and zips need no package of ours. For the same reason the top
level of each module holds imports, functions, classes and plain assignments only.

A message is a template with named values. The template is the message's id (as in gettext), the values are text or
plain numbers, so a message can be translated and counted. Write templates as literals, directly in the call.
"""
