"""The HTTP API of one open home. ``app`` puts it together. A folder per subject holds its routes and what they take and answer;
what every request passes is here: ``paths``, ``auth`` and ``caller``, ``query`` and ``body``, ``answers`` and ``errors``, ``log``.
``openapi`` makes the document of the routes' types. ``leadline.service`` runs it."""
