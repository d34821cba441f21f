"""The page that people open: HTML made on the server, on the same application as the API. ``install`` puts it there.
``screens`` has a module per screen; what all screens share is here: who looks (``visit``), what an address says (``view``),
templates (``render``), forms (``forms``), refusals (``refusals``), and files that never change (``static_files``)."""
