"""Code inside every student notebook: set-up, feedback cards, hand-in.

`authoring` packs these modules into the first code cell, where they are a package of their own. They import nothing of
the kit, only the standard library, IPython, otter-grader and each other, and run on Python 3.10 and newer.

words    the texts students read, in the language of the notebook
lab      what the cell knows of its lab
setup    what the set-up cell does
hosts    where the notebook runs: JupyterLab, VS Code, Colab
mnist    MNIST from Keras, or from a file beside the notebook
watch    the cells that were run, and which of them raised
judge    runs the public checks of a question
cards    results as HTML and as plain text
grader   `grader.check`, `grader.check_all`, `grader.export`, `grader.drawing_board`
board    a board to draw on; its front end is board.js and board.css
saving   saves the notebook and proves that the file on disk is this one
handin   what a saved notebook holds, and the zip
"""
