"""Models that Runware serves, by the source in their AIR id `source:id@version`.

They come from the model registry in the Python SDK `runware-sdk` 1.8.0 (schema bundle 20261012233936, October 2026).
Others exist. Each becomes known when Runware accepts a task with it.
"""

from __future__ import annotations

IDS = {
    "alibaba": """
        happyhorse@1.0 happyhorse@1.1 qwen-image-edit@2511 qwen-image@2.0 qwen-image@2.0-pro
        qwen-image@2.1-pro qwen-image@2.1-turbo qwen-image@2512 qwen-image@3.0 qwen-image@3.0-pro
        qwen-image@layered qwen@3-tts-1.7b-base qwen@3-tts-1.7b-customvoice qwen@3-tts-1.7b-voicedesign
        wan@2.6 wan@2.6-flash wan@2.6-image wan@2.7 wan@2.7-image wan@2.7-image-pro wan@3.0 wan@3.0-prime
    """,
    "anthropic": "claude@fable-5 claude@haiku-4.5 claude@opus-4.7 claude@opus-4.8 claude@sonnet-4.6",
    "baidu": "ernie-image@0 ernie-image@turbo",
    "bfl": """
        1@2 1@3 2@1 2@2 3@1 4@1 5@1 6@1 7@1 flux@3-image flux@3-video flux@erase flux@outpainting
        flux@video-edit-fast flux@video-upscale flux@vto
    """,
    "boogu": "image@0.1-edit image@0.1-edit-turbo",
    "bria": "10@1 11@1 20@1 20@3 21@1 21@2 2@1 50@1 51@1 52@1 60@1",
    "bytedance": """
        2@1 2@2 50@1 5@0 5@1 5@2 seed-audio@1.0 seedance@1.5-pro seedance@2.0 seedance@2.0-fast
        seedance@2.0-mini seedance@2.5 seedream@4.5 seedream@5.0-flash seedream@5.0-lite seedream@5.0-pro
        video-enhancement@pro video-enhancement@standard
    """,
    "civitai": "101055@128078",
    "creatify": "aurora@0 aurora@fast",
    "exactly": """
        illustrative@training photo@bright-pulse photo@distant-reality photo@extreme-contrast
        photo@grain-film-look photo@journey photo@warm-light
    """,
    "fishaudio": "s2.1@pro",
    "google": """
        3@2 3@3 4@2 4@3 gemini@3-flash gemini@3.1-flash-lite gemini@3.1-flash-tts gemini@3.1-pro
        gemini@3.5-flash gemini@omni-flash-1.1 gemma@4-31b nano-banana@2-lite nano-banana@2.1 veo@3.1-lite
    """,
    "heygen": "avatar@4 avatar@5 video-agent@0 video@1.0",
    "hyper3d": "rodin@gen-2",
    "ideogram": """
        2@1 2@2 3@1 3@2 4.5@0 4.5@precise-edit 4@0 4@1 4@2 4@3 4@4 4@5 4@q 4@remix layerize-text@0
        object-remover@0 remove-background@0
    """,
    "imagineart": "1.5-pro@0 1@5 2.0@0",
    "inworld": "tts@1.5-max tts@1.5-mini tts@2",
    "klingai": """
        6@0 6@1 7@1 avatar@2.0-pro avatar@2.0-standard kling-image@3 kling-image@o1 kling-image@o3
        kling-video@2.6-pro kling-video@2.6-standard kling-video@3-4k kling-video@3-pro
        kling-video@3-standard kling-video@3.0-turbo kling-video@o3-4k kling-video@o3-pro
        kling-video@o3-standard kling@o1 kling@o1-standard
    """,
    "krea": "krea@2-large krea@2-medium krea@2-medium-turbo krea@2-raw krea@2-turbo",
    "lightricks": "ltx@2 ltx@2.3 ltx@2.3-fast ltx@2.5-fast ltx@2.5-pro",
    "luma": "ray@3.2 uni@1 uni@1-max",
    "meshy": "meshy@6",
    "meta": "muse@image sam@3d",
    "microsoft": "trellis-2@4b",
    "minimax": """
        1@1 2@1 2@3 3@1 4@1 4@2 h3@0 h3@fast h3@max h3@max-turbo m2.7@0 m2.7@highspeed m3@0 music@2.6
        music@cover speech@2.8
    """,
    "mirelo": "1@1",
    "openai": """
        1@1 1@2 4@1 gpt-image@2 gpt-image@2.5-flare gpt-image@2.5-sunburst gpt@5-mini gpt@5-nano gpt@5.4
        gpt@5.4-mini gpt@5.4-nano gpt@5.4-pro gpt@5.5
    """,
    "picsart": "1@1",
    "pixverse": "1@1 1@2 1@3 1@5 1@5-fast 1@6 1@7 1@8 lipsync@1 modify@0",
    "prunaai": """
        1@1 2@1 p-image@ideogram p-image@try-on p-image@upscale p-video@0 p-video@2 p-video@2-pro
        p-video@animate p-video@avatar p-video@edit p-video@replace
    """,
    "recraft": """
        1@1 v4-pro@0 v4-pro@vector v4.1-pro@0 v4.1-utility-pro@0 v4.1-utility@0 v4.1@0 v4.1@flash v4@0
        v4@styles v4@styles-pro v4@styles-pro-vector v4@styles-vector v4@vector
    """,
    "rundiffusion": "110@101 120@100 130@100 200@100 300@100",
    "runware": """
        100@1 101@1 102@1 106@1 107@1 108@1 108@20 108@22 109@1 111@1 112@1 112@10 112@2 112@3 112@5 112@6
        112@7 112@8 112@9 150@2 151@1 152@1 152@2 152@50 153@1 154@1 201@1 201@10 300@1 35@1 35@10 35@11
        35@12 35@13 35@14 35@15 35@2 35@3 35@4 35@5 35@6 35@7 35@8 35@9 400@1 400@2 400@3 400@4 400@5 400@6
        500@1 501@1 502@1 503@1 504@1 5@1 97@1 97@2 97@3 ace-step@v1.5-base ace-step@v1.5-turbo
        ace-step@v1.5-xl-base ace-step@v1.5-xl-sft ace-step@v1.5-xl-turbo controlnet-preprocess@canny
        controlnet-preprocess@depth controlnet-preprocess@lineart controlnet-preprocess@lineart-anime
        controlnet-preprocess@mlsd controlnet-preprocess@normalbae controlnet-preprocess@openpose
        controlnet-preprocess@scribble controlnet-preprocess@seg controlnet-preprocess@shuffle
        controlnet-preprocess@softedge controlnet-preprocess@tile dia2@2b ffmpeg@0
        flux-1-dev@style-lora-training flux-2-klein-4b@style-lora-training
        flux-2-klein-9b@style-lora-training kandinsky-5.0-image-lite@1 llama-3-1-8b@prompt-enhancer
        qwen-image@style-lora-training twinflow-z-image-turbo@0 z-image@0 z-image@style-lora-training
        z-image@turbo
    """,
    "runway": "1@1 1@2 4@1 4@2 aleph@2.0",
    "skywork": "skyreels@v4",
    "sourceful": "riverflow-2.0@fast riverflow-2.0@pro riverflow-2.5@fast riverflow-2.5@pro",
    "sync": "3@0 lipsync-2-pro@1 lipsync-2@1 react-1@1",
    "tencent": "hunyuan-3d@3.1-pro hunyuan-3d@3.1-rapid",
    "topazlabs": "proteus@4 starlight-precise@2.5 wonder@3.5",
    "tripo": "v3.1@0",
    "veed": "fabric@1.0-hosted",
    "vidu": "1@0 1@1 2@0 3@1 3@2 4@1 4@2 q1@image",
    "xai": """
        grok-imagine@image grok-imagine@image-2.0 grok-imagine@image-quality grok-imagine@video
        grok-imagine@video-1.5 grok-imagine@video-1.5-lite grok@4.3 tts@0
    """,
    "zai": "glm@5.1",
}

AIR_IDS = frozenset(f"{source}:{model}" for source, models in IDS.items() for model in models.split())
