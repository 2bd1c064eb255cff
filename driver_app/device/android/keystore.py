"""The token, closed with a key that was made in the phone's keystore and never leaves it."""

from base64 import b64decode, b64encode
from typing import Any

from driver_app.core.seal import SealBroken
from driver_app.device.android.bridge import JavaException, cast, java

ALIAS = "postrider"
STORE = "AndroidKeyStore"
CIPHER = "AES/GCM/NoPadding"
ENCRYPT, DECRYPT = 1, 2
PURPOSES = ENCRYPT | DECRYPT
IV_BYTES = 12
TAG_BITS = 128


class Keystore:
    """Closed text is base64 of the 12 bytes of the nonce and what AES-GCM made of the secret."""

    def close(self, secret: str) -> str:
        cipher = java("javax.crypto.Cipher").getInstance(CIPHER)
        cipher.init(ENCRYPT, self._key())
        closed = bytes(cipher.doFinal(secret.encode()))
        return b64encode(bytes(cipher.getIV()) + closed).decode()

    def open(self, sealed: str) -> str:
        """SealBroken when the key is gone, as on a phone that was restored from a backup."""
        try:
            data = b64decode(sealed)
            cipher = java("javax.crypto.Cipher").getInstance(CIPHER)
            nonce = java("javax.crypto.spec.GCMParameterSpec")(TAG_BITS, data[:IV_BYTES])
            cipher.init(DECRYPT, self._key(), nonce)
            return bytes(cipher.doFinal(data[IV_BYTES:])).decode()
        except (JavaException, ValueError) as error:
            raise SealBroken from error

    def _key(self) -> Any:
        store = java("java.security.KeyStore").getInstance(STORE)
        store.load(None)
        if not store.containsAlias(ALIAS):
            spec = (
                java("android.security.keystore.KeyGenParameterSpec$Builder")(ALIAS, PURPOSES)
                .setBlockModes("GCM")
                .setEncryptionPaddings("NoPadding")
                .build()
            )
            maker = java("javax.crypto.KeyGenerator").getInstance("AES", STORE)
            maker.init(cast("java.security.spec.AlgorithmParameterSpec", spec))
            return maker.generateKey()
        return cast("javax.crypto.SecretKey", store.getKey(ALIAS, None))
