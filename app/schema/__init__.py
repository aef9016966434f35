"""All tables together, and their migrations."""

from app.accounts import models as accounts
from app.assessments import models as assessments
from app.audit import models as audit
from app.credentials import models as credentials
from app.evidence import models as evidence
from app.frameworks import models as frameworks
from app.jobs import models as jobs
from app.review import models as review
from app.validation import models as validation
from app.web import models as web

MODELS = (accounts, assessments, audit, credentials, evidence, frameworks, jobs, review, validation, web)
