"""Data sets: published screens, gene sets to judge a network by, and simulated screens with a known network."""

from scclamp.datasets._adamson_2016 import adamson_2016
from scclamp.datasets._beeline import ReferenceNetwork, beeline
from scclamp.datasets._gene_sets import gene_sets
from scclamp.datasets._norman_2019 import norman_2019
from scclamp.datasets._papalexi_2021 import papalexi_2021
from scclamp.datasets._replogle_2022_k562 import replogle_2022_k562
from scclamp.datasets._replogle_2022_rpe1 import replogle_2022_rpe1
from scclamp.datasets._simulated import simulated

__all__ = [
    "ReferenceNetwork",
    "adamson_2016",
    "beeline",
    "gene_sets",
    "norman_2019",
    "papalexi_2021",
    "replogle_2022_k562",
    "replogle_2022_rpe1",
    "simulated",
]
