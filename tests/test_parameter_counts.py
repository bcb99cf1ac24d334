"""Experiments of the literature compile to the exact number of trainable parameters that their forebears
have.
"""

from pathlib import Path

import pytest

from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile
from seqspec.compile.resolve.overlay import Overlay

SPECS = Path(__file__).parents[1] / "specs"
COUNTS = {
    "mt_wmt14_ende_base": 93_323_648,
    "mt_wmt14_ende_small": 6_343_616,
    "mt_wmt14_ende_rnmt_plus": 378_866_176,
    "mt_caption_ende": 4_174_544,
    "punctuator": 313_314_176,
    "mt_ende_t2t_base": 61_378_560,
    "mt_ende_t2t_big": 210_837_504,
    "mt_ende_universal": 63_946_752,
    "mt_ende_universal:adaptive": 63_948_802,
    "mt_ende_bytenet": 60_814_848,
    "mt_ende_slicenet": 63_815_424,
    "asr_librispeech_t2t": 70_343_552,
    "lm_one_billion_words": 1_776_884_608,
    "image_mnist_lenet5": 763_810,
    "image_cifar10_shake_shake": 26_204_362,
    "image_imagenet_xception": 29_914_376,
    "image_cifar10_transformer": 38_328_576,
    "segmentation_pet_unet": 31_037_763,
    "segmentation_voc_deeplab": 39_761_845,
    "segmentation_voc_deeplab:fcn": 32_957_013,
    "image_imagenet_resnet50": 25_557_032,
    "image_imagenet_vit": 86_567_656,
    "point_modelnet40": 3_473_969,
    "point_modelnet40_pointnet2": 1_475_688,
    "point_modelnet40_pointnet2:multi_scale": 1_747_368,
    "parts_shapenet": 1_411_250,
    "parts_shapenet:normals": 1_411_826,
    "parts_shapenet:multi_scale": 1_740_958,
    "parts_shapenet_dgcnn": 1_460_361,
    "point_modelnet40_dgcnn": 1_809_576,
    "diffusion_cifar10": 35_746_307,
    "diffusion_mnist_dit": 726_160,
    "vae_mnist": 425_284,
    "gan_celeba_dcgan": 3_576_704 + 2_765_568,
    "gan_cifar10_sngan": 4_276_739 + 1_053_825,
    # 46,266,420 in NVIDIA's code, less the 81 weights of a layer that it never calls.
    "tts_ljspeech_fastpitch": 46_266_339,
    "tts_ljspeech_tacotron2": 28_193_153,
    "tts_ljspeech_vits": 36_321_072 + 46_747_132,  # the critic's behind
}
FACTS = {
    "lm_one_billion_words": 793_472,
    "image_imagenet_xception": 1_000,
    "image_imagenet_resnet50": 1_000,
    "image_imagenet_vit": 1_000,
    "point_modelnet40": 40,
    "point_modelnet40_pointnet2": 40,
    "point_modelnet40_dgcnn": 40,
    "gan_celeba_dcgan": 1,
    "tts_ljspeech_fastpitch": 148,
    "tts_ljspeech_tacotron2": 148,
    "tts_ljspeech_vits": 178,
}
"""Words of the benchmark's training text, with Lingvo's count of them, classes of ImageNet and ModelNet40, and the symbols of
public recipes of speech synthesis.
"""


@pytest.mark.parametrize("name", COUNTS)
def test_spec_has_the_published_number_of_parameters(name):
    stem, _, profile = name.partition(":")
    overlays = [Overlay("profile", profile)] if profile else []
    facts = {}
    if stem in FACTS:
        unknown = compile(SPECS / f"{stem}.yaml").plan.unknowns
        facts = dict.fromkeys(unknown, FACTS[stem])
    compiled = compile(SPECS / f"{stem}.yaml", overlays=overlays, facts=facts)

    assert build(compiled.plan, tree=compiled.tree, device="meta").num_parameters == COUNTS[name]
