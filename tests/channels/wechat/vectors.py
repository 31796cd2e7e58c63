"""The platform's documented worked examples, and one of wechatpy's, as known answers."""

from __future__ import annotations

from dataclasses import dataclass

TOKEN = "AAAAA"
AES_KEY = "A" * 43


@dataclass(frozen=True, slots=True)
class Inbound:
    """A push that was encrypted by the platform."""

    app_id: str
    timestamp: str
    nonce: str
    signature: str
    msg_signature: str
    prefix: bytes
    length: int
    encrypt: str


@dataclass(frozen=True, slots=True)
class Outbound:
    """An answer, byte for byte, for a given random prefix."""

    app_id: str
    timestamp: str
    nonce: str
    signature: str
    prefix: bytes
    message: bytes
    encrypt: str


W3 = Inbound(
    app_id="wxba5fad812f8e6fb9",
    timestamp="1714112445",
    nonce="415670741",
    signature="6c5c811b55cc85e0e1b54100749188c20beb3f5d",
    msg_signature="046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
    prefix=b"a8eedb185eb2fecf",
    length=167,
    encrypt=(
        "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv"
        "6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNq"
        "J4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
    ),
)
W5 = Inbound(
    app_id="wx134c8103faa5a59e",
    timestamp="1715943329",
    nonce="1590219412",
    signature="cc0c594499c1634947d5b502f158ee518947db27",
    msg_signature="6c12a4205838198b8fa631b3220723bb07f1015c",
    prefix=b"1205899eaf019bbd",
    length=292,
    encrypt=(
        "D7yzvUNAL930rd28wf21s4hvXhz0L6Uit/p2Di6C5DHyYGpEgdBRnKjBec34JwoQXicwaZC7fOVihW80F4VtsdvE//1vr7oAbqjDv8Ke"
        "nVp+ajKYpJnyQ4zMRhIC+a31fCVOMC03FfzV/QuC94kBP55a+Za3sJgvAn+ZbsNqZI5DkyuzkhQN8OBqCzFhizGmy0xpM0MEA4agpvE+"
        "RuNO1rhHTtuJB5yltw1FiYzecSXJ+y/D2r81VkRn2eYjh2ltsoyfbDR7Is6ookXIFxTfyeNyeHxMeT4KN5WpCDmSbTcUYrbBUlkGLJ9n"
        "/rU8YOywma6G7aTb7KZKOqCxgfoUlYEZPk4FUL/TK7ShriFDMVCLyjQJ15Ob++agDWtcxhfUfe6HIoIpRW8mKNBQiY/Jd1svvuskA1wL"
        "ef1RTtzKfMpagSCX/laZINmdnX4zrF6kIaR9P4xQrWXbsTFHTYe0Mg=="
    ),
)
W4 = Outbound(
    app_id="wxba5fad812f8e6fb9",
    timestamp="1713424427",
    nonce="415670741",
    signature="1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1",
    prefix=b"707722b803182950",
    message=b'{"demo_resp":"good luck"}',
    encrypt="ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==",
)
W6 = Outbound(
    app_id="wx134c8103faa5a59e",
    timestamp="1713424427",
    nonce="415670741",
    signature="03e0812039325c2712ef5f0f980fd14c70d6e307",
    prefix=b"999951349e8ee746",
    message=b"<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>",
    encrypt=(
        "hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdIZcr6+3HAZbSvPT9t/o11MI7d"
        "6WELwqrGd7jMnV0zv3Zc9Nq7"
    ),
)
LIBRARY_TOKEN = "123456"
LIBRARY_AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
LIBRARY_APP_ID = "wx49f0ab532d5d035a"
LIBRARY_TIMESTAMP = "1411525903"
LIBRARY_NONCE = "461056294"
LIBRARY_SIGNATURE = "74d92dfeb87ba7c714f89d98870ae5eb62dff26d"
LIBRARY_ENCRYPT = (
    "RgqEoJj5A4EMYlLvWO1F86ioRjZfaex/gePD0gOXTxpsq5Yj4GNglrBb8I2BAJVODGajiFnXBu7mCPatfjsu6IHCrsTyeDXzF6Bv283dGymz"
    "xh6ydJRvZsryDyZbLTE7rhnus50qGPMfp2wASFlzEgMW9z1ef/RD8XzaFYgm7iTdaXpXaG4+BiYyolBug/gYNx410cvkKR2/nPwBiT+P4hIi"
    "OAQqGp/TywZBtDh1yCF2KOd0gpiMZ5jSw3e29mTvmUHzkVQiMS6td7vXUaWOMZnYZlF3So2SjHnwh4jYFxdgpkHHqIrH/54SNdshoQgWYEvc"
    "cTKe7FS709/5t6NMxuGhcUGAPOQipvWTT4dShyqio7mlsl5noTrb++x6En749zCpQVhDpbV6GDnTbcX2e8K9QaNWHp91eBdCRxthuL0="
)
