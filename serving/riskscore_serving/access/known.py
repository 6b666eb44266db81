"""The door as a dependency: its database and its clock."""

from typing import Annotated, cast

from fastapi import Depends, Request

from riskscore_serving.access.door import Doorkeeper


async def _door(request: Request) -> Doorkeeper:
    return cast("Doorkeeper", request.app.state.door)


WithDoor = Annotated[Doorkeeper, Depends(_door)]
