"""PSA connections, the mirror of what the PSA holds, and the pushes that change it."""

from psa.connection_models import Connection as Connection
from psa.mirror_models import Account as Account
from psa.mirror_models import Agreement as Agreement
from psa.mirror_models import AgreementLine as AgreementLine
from psa.mirror_models import AgreementType as AgreementType
from psa.mirror_models import Board as Board
from psa.mirror_models import Invoice as Invoice
from psa.mirror_models import Service as Service
from psa.push_models import Push as Push
from psa.push_models import PushAttempt as PushAttempt
