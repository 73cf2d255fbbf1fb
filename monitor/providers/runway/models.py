"""Models that Runway serves. To add one, add its id to its modality."""

from __future__ import annotations

VIDEO, IMAGE, AUDIO, REALTIME = "video", "image", "audio", "realtime"

MODELS_BY_MODALITY = {
    VIDEO: """
        gen4.5 gen4_turbo aleph2 act_two veo3.1 veo3.1_fast gemini_omni_flash gemini_omni_flash_1.1
        kling2.5_turbo_pro kling3.0_4k kling3.0_pro kling3.0_standard klingO3_4k klingO3_pro klingO3_standard kling_4
        hailuo3 h3_max happyhorse_1_0 seedance2 seedance2_fast seedance2_mini seedance2_5 wan3 wan3_prime
        grok_imagine_1_5 grok_imagine_1_5_lite gen3a_turbo gen4_aleph veo3
    """,
    IMAGE: """
        gen4_image gen4_image_turbo gpt_image_2 gpt_image_2_5_flare gpt_image_2_5_sunburst muse_image nano_banana_2.1
        gemini_2.5_flash gemini_image3_pro gemini_image3.1_flash gemini_image3.1_flash_lite grok_imagine_image_2
        seedream5_pro seedream5_lite seedream5_flash bria_fibo_1_5 bria_fibo_edit_1_5
        ideogram_4_0 ideogram_4_5 recraft_v4_1_flash recraft_v4_1_vector
    """,
    AUDIO: """
        seed_audio mirelo_sfx_2_0 eleven_v4 eleven_v3 eleven_multilingual_v2 eleven_multilingual_sts_v2
        eleven_text_to_sound_v2 eleven_voice_dubbing eleven_voice_isolation eleven_ttv_v3 eleven_multilingual_ttv_v2
    """,
    REALTIME: "gwm1_avatars",
}
MODALITIES = {model: modality for modality, models in MODELS_BY_MODALITY.items() for model in models.split()}
"""Modality of each model, by the endpoint that accepts it (SDK 5.24.0, autumn 2026). Runway does not state how recipes,
workflows and avatar videos count, so they have none."""

OTHER_MODELS = frozenset(
    """
    ruby enhance_frame_rate magnific_precision_upscaler_v2 magnific_video_upscaler_creative
    ad_localization marketing_stock_image multi_shot_video product_ad product_campaign_image product_swap product_ugc
    eleven_scribe_v2 voice_processing gwm1_avatar_async_audio_to_video gwm1_avatar_async_text_to_video
    workflow
    """.split()  # noqa: SIM905 - a list of this many quoted words is hard to read
)
"""Models without a modality: enhancers and upscalers, recipes (SDK 5.24.0), ids found only in usage and limits, and
`workflow` for tasks that carry no model."""

MODELS = frozenset(MODALITIES) | OTHER_MODELS
"""All known ids. The retired gen3a_turbo, gen4_aleph and veo3 still appear in usage and limits."""
