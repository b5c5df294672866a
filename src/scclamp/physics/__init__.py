"""Physics: kinetics, networks, steady states and their gradients, in pure torch."""

from scclamp.physics.activation import Activation, GeneralizedHill, Hill, MassAction, MichaelisMenten
from scclamp.physics.adjoint import Adjoint, BackwardReport, Iterative, ReducedImplicit, Unrolled
from scclamp.physics.dynamics import Core, Dynamics
from scclamp.physics.integration import Additive, HillOfSum, Integration, Saturating
from scclamp.physics.linearisation import Dense, Factored, Linearisation
from scclamp.physics.network import Network
from scclamp.physics.neural_drift import NeuralDrift
from scclamp.physics.solution import Solution, steady_state
from scclamp.physics.solvers import Anderson, Chord, Damped, Newton, Problem, Solver, drive
from scclamp.physics.spectral import radius_bound, spectral_radius, stability_limit, track_radius
from scclamp.physics.status import Status

__all__ = [
    "Activation",
    "Additive",
    "Adjoint",
    "Anderson",
    "BackwardReport",
    "Chord",
    "Core",
    "Damped",
    "Dense",
    "Dynamics",
    "Factored",
    "GeneralizedHill",
    "Hill",
    "HillOfSum",
    "Integration",
    "Iterative",
    "Linearisation",
    "MassAction",
    "MichaelisMenten",
    "Network",
    "NeuralDrift",
    "Newton",
    "Problem",
    "ReducedImplicit",
    "Saturating",
    "Solution",
    "Solver",
    "Status",
    "Unrolled",
    "drive",
    "radius_bound",
    "spectral_radius",
    "stability_limit",
    "steady_state",
    "track_radius",
]
