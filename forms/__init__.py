"""Forms: JSON Schema 2020-12 (a published subset, docs/forms.md) with layout hints, compiled at deployment.

`FormCompiler` is the plugin (entry point group `flowledger.forms`); `CompiledForm` checks JSON values and decodes HTML posts with
one judgement. Form definitions of our own packs lie in folders here. HTML is made by `webui.forms`.
"""

from forms.compiler import ZONE, CompiledForm, FormCompiler, Submission
from forms.messages import message
from forms.posting import Uploads

__all__ = ["ZONE", "CompiledForm", "FormCompiler", "Submission", "Uploads", "message"]
