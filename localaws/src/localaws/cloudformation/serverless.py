"""SAM templates, turned into plain ones by AWS's own translator (a transform)."""

from typing import Any, Final

import boto3

from localaws.cloudformation.errors import UnmodelledRequestError, ValidationError

TRANSFORM: Final = "AWS::Serverless-2016-10-31"


def transformed(content: dict[str, Any], region: str) -> dict[str, Any]:
    """Give a template without its transform.

    Raises ValidationError with what the translator says is wrong.
    """
    if content["Transform"] != TRANSFORM:
        raise UnmodelledRequestError(
            f"localaws does not model the Transform {content['Transform']}. It knows {TRANSFORM}."
        )
    if content.get("Parameters"):
        raise UnmodelledRequestError(
            "localaws does not model Parameters of a SAM template. Write their values into it."
        )
    # Its import takes as long as all of localaws', and most templates are plain.
    from samtranslator.model.exceptions import InvalidDocumentException  # noqa: PLC0415
    from samtranslator.parser.parser import Parser  # noqa: PLC0415
    from samtranslator.translator.translator import Translator  # noqa: PLC0415

    try:
        found: dict[str, Any] = Translator(
            {}, Parser(), boto_session=boto3.Session(region_name=region)
        ).translate(content, {})
    except InvalidDocumentException as error:
        causes = " ".join(cause.message for cause in error.causes)
        raise ValidationError(
            f"Transform {TRANSFORM} failed with: Invalid Serverless Application Specification "
            f"document. {causes}"
        ) from error
    return found
