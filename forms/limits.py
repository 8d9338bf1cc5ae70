"""How large a form and a submission may be. A form beyond them is refused at deployment, a value with a message to its author."""

from __future__ import annotations

FILE_BYTES = 512 * 1024  # a *.form.json
NESTING = 64  # of the JSON of a form file
REFERENCES = 20  # one leading to the next
FIELDS = 400  # declared in one form, after references are resolved
DEPTH = 6  # objects and tables inside one another
OPTIONS = 500  # constants of one choice
ROWS = 200  # rows of a table, where the form sets no maxItems
ROWS_AT_MOST = 1000
UNDECLARED = 20  # undeclared names of one object that are reported one by one
LIST_ITEMS = 100  # entries of a list of texts or files
PATTERN_CHARACTERS = 500
PATTERN_BYTES = 1 << 20  # of the compiled automaton
LINE_CHARACTERS = 2_000  # of a one-line text, where the form sets no maxLength
TEXT_CHARACTERS = 50_000  # of a text area
NUMBER = 10**15  # largest magnitude: whole numbers stay exact in every reader of JSON
FILE_UPLOAD_BYTES = 20 * 1024 * 1024  # one attachment, where the form sets no x-max-bytes
TITLE_CHARACTERS = 300
HELP_CHARACTERS = 4_000
