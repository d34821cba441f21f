"""The MCP server: few tools by which an agent asks for numbers and for the rows behind them. Each tool is declared once, with the
types of what it takes and answers; ``protocol`` speaks MCP, over the standard streams (``stdio``) or on the API's application
(``http``). Texts of tools, such as titles, are data in members of answers and never part of a sentence."""
