"""What only the gateway's room can ask of Runware's SDK; how every client fares is played end to end."""

import asyncio

import pytest
from runware import Runware
from runware.errors import RunwareError
from runware_stage import stage

from monitor.observations import Outcome

WRONG_KEY = "f" * 32


@pytest.mark.parametrize("transport", ["websocket", "rest"])
async def test_the_sdk_is_told_of_a_wrong_key_and_nobody_else_is(transport: str) -> None:
    async with stage() as (_, gateway), asyncio.timeout(30):
        urls = {"http_base_url": gateway.http_url, "ws_base_url": gateway.ws_url}
        runware = Runware(api_key=WRONG_KEY, transport=transport, **urls)
        with pytest.raises(RunwareError) as refused:
            await runware.run({"taskType": "imageInference", "model": "runware:100@1", "positivePrompt": "a cat"})
        assert refused.value.code == "auth"
        await runware.close()
        assert Outcome.UNAUTHORIZED in {request.outcome for request in gateway.sink.requests}
        assert WRONG_KEY not in repr(gateway.sink.observations)
