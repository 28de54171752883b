"""Credentials sealed at rest: AES-GCM, bound to their tenant, their owner and their field."""

import hashlib
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD_BYTES = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES


class SecretUnreadable(Exception):
    """The blob was not sealed here for this place: moved, altered, or its key is gone."""


def seal(plain: str, *, org_id: int, owner: str, field: str) -> bytes:
    """Seal `plain` for one field of one owner ("connection:12") of one tenant, with the first key."""
    key = _keys()[0]
    nonce = os.urandom(_NONCE_BYTES)
    box = AESGCM(key).encrypt(nonce, plain.encode(), _place(org_id, owner, field))
    return _VERSION + _key_id(key) + nonce + box


def unseal(blob: bytes, *, org_id: int, owner: str, field: str) -> str:
    """Open what `seal` made, with whichever key made it; raises SecretUnreadable for any other place."""
    blob = bytes(blob)  # the database gives a memoryview
    head, box = blob[:_HEAD_BYTES], blob[_HEAD_BYTES:]
    key_id, nonce = head[1 : 1 + _KEY_ID_BYTES], head[1 + _KEY_ID_BYTES :]
    for key in _keys():
        if head[:1] == _VERSION and _key_id(key) == key_id:
            try:
                return AESGCM(key).decrypt(nonce, box, _place(org_id, owner, field)).decode()
            except InvalidTag:
                continue
    raise SecretUnreadable("This secret cannot be read here: enter it again.")


def _keys() -> list[bytes]:
    return [_derive(text) for text in settings.SECRET_BOX_KEYS]


def _derive(text: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"reconcile secret box").derive(text.encode())


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"key id" + key).digest()[:_KEY_ID_BYTES]


def _place(org_id: int, owner: str, field: str) -> bytes:
    return json.dumps([org_id, owner, field]).encode()
