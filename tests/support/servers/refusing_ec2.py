"""moto's EC2, which starts no instance of one type and says why.

python -m support.servers.refusing_ec2 PORT INSTANCE_TYPE CODE MESSAGE
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple


def main() -> None:
    port, instance_type, code, message = sys.argv[1:]
    moto = DomainDispatcherApplication(create_backend_app)
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    refusal = f"<Response><Errors>{error}</Errors><RequestID>1</RequestID></Response>".encode()

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if b"Action=RunInstances" not in body or instance_type.encode() not in body:
            answered: Iterable[bytes] = moto(environ, start)
            return answered
        start("400 Bad Request", [("Content-Type", "text/xml"), ("Content-Length", str(len(refusal)))])
        return [refusal]

    run_simple("127.0.0.1", int(port), answer, threaded=True)


if __name__ == "__main__":
    main()
