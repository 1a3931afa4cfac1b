"""How to cite what a result was made with: aulens, and the paper that its model follows."""

from typing import Final

_AULENS: Final = """@software{{aulens,
  title   = {{aulens: facial Action Units, per side of the face, with their evidence}},
  author  = {{{{The aulens authors}}}},
  version = {{{version}}},
  year    = {{2026}}
}}"""

_PAPER_A: Final = """@inproceedings{zhang2020region,
  title     = {Region of Interest Based Graph Convolution:
               A Heatmap Regression Approach for Action Unit Detection},
  author    = {Zhang, Zheng and Wang, Taoyue and Yin, Lijun},
  booktitle = {Proceedings of the 28th ACM International Conference on Multimedia},
  year      = {2020}
}"""

_JAA_NET: Final = """@article{shao2021jaa,
  title   = {JAA-Net: Joint Facial Action Unit Detection and Face Alignment via Adaptive Attention},
  author  = {Shao, Zhiwen and Liu, Zhilei and Cai, Jianfei and Ma, Lizhuang},
  journal = {International Journal of Computer Vision},
  year    = {2021}
}"""

_PAPER_B: Final = """@article{zhang2021action,
  title   = {Action Unit Detection with Joint Adaptive Attention and Graph Relation},
  author  = {Zhang, Chenggong and Song, Juan and Zhang, Qingyang and Dong, Weilong and Ding, Ruomeng
             and Liu, Zhilei},
  journal = {arXiv preprint arXiv:2107.04389},
  year    = {2021}
}"""


def bibtex(variant: str, version: str) -> str:
    """BibTeX of aulens and of the papers behind a model.

    Args:
        variant: the model's, as its card says.
        version: of aulens.
    """
    papers = [_AULENS.format(version=version)]
    if variant.startswith("jaa"):
        papers.append(_JAA_NET)
        papers += [_PAPER_B] * (variant == "jaa_gcn")
    elif variant != "pooled":
        papers.append(_PAPER_A)
    return "\n\n".join(papers)
