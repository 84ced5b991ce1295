"""From a scene graph to numbers over time: where the object is, how the camera moves, what light
there is.

World: x right, y up, 64 pixels a unit, frame [-1.5, 1.5] x [-1, 1]; 8 frames a second. Everything
here is NumPy arrays of length T; `render.py` paints them.
"""

from dataclasses import dataclass

import numpy as np

from grammar import COLOURS, LANDMARKS, OBJECTS, SCENES, TIMES, WEATHERS

FPS = 8
PERIOD = 8.0  # the landscape repeats every 8 units

# fmt: off
RGB = np.array([(.90, .13, .12), (.98, .52, .08), (.98, .85, .15), (.16, .70, .25), (.10, .78, .85),
                (.13, .30, .92), (.55, .20, .80), (.98, .45, .70), (.96, .96, .97)], np.float32)
# fmt: on
RADIUS = {"small": 0.22, "medium": 0.30, "big": 0.40}

# fmt: off
# rows: zenith, horizon, sun or moon, ambient light, position of the sun (x, y, -)
PALETTES = {
    "dawn":  [[.36, .50, .78], [.99, .78, .66], [1., .88, .70], [.96, .88, .86], [-.95, .05, 0]],
    "noon":  [[.25, .53, .93], [.76, .90, .99], [1., .97, .85], [1., 1., 1.], [.85, .72, 0]],
    "dusk":  [[.27, .21, .48], [.99, .55, .28], [1., .75, .38], [.90, .68, .62], [.70, .10, 0]],
    "night": [[.03, .05, .17], [.14, .20, .42], [.93, .95, 1.], [.34, .41, .66], [-.75, .68, 0]],
    "space": [[.02, .02, .07], [.10, .05, .20], [1., .95, .8], [.95, .95, 1.], [.9, .7, 0]],
    "underwater": [[.10, .50, .72], [.02, .22, .42], [.7, .95, 1.], [.70, .92, 1.], [.2, 1.05, 0]]}
# fmt: on
PALETTES = {k: np.array(v, np.float32) for k, v in PALETTES.items()}
OVERCAST = {"clear": 0.0, "cloudy": 0.55, "rain": 0.9, "snow": 0.8, "fog": 0.7}


@dataclass
class Body:
    """One object over time, arrays [T] (colour [T,3]); `kind` indexes OBJECTS, `hue` [T]
    COLOURS."""

    kind: int
    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    angle: np.ndarray
    squash: np.ndarray
    visible: np.ndarray
    colour: np.ndarray
    hue: np.ndarray


@dataclass
class Scene:
    """All that the renderer needs; arrays are [T]."""

    graph: object
    bodies: list
    ground: float  # y of the line things stand on
    horizon: float
    pan: np.ndarray
    tilt: np.ndarray
    zoom: np.ndarray
    palette: np.ndarray  # [T,5,3]
    night: np.ndarray
    overcast: np.ndarray
    rain: np.ndarray
    snow: np.ndarray
    fog: float
    wind: float
    index: np.ndarray = None  # frame number of each entry; None: 0 .. T-1

    def __len__(self):
        return len(self.pan)

    def take(self, frames):
        """The same scene at some frames only (indices); used where only semantic frames are
        wanted."""
        pick = lambda a: a[frames] if isinstance(a, np.ndarray) else a
        bodies = [Body(**{k: pick(v) for k, v in vars(b).items()}) for b in self.bodies]
        return Scene(**{k: pick(v) for k, v in vars(self).items() if k != "bodies"}, bodies=bodies)


def ramp(t, start, seconds):
    """Smooth step from 0 to 1 that begins at `start`."""
    u = np.clip((t - start) / seconds, 0, 1)
    return u * u * (3 - 2 * u)


def wrap(x, radius):
    """An object that has left the frame on one side comes back on the other at once."""
    edge = 1.5 + 1.1 * radius
    return (x + edge) % (2 * edge) - edge


def turned_back(x, radius):
    """An object that reaches the edge of the frame turns back: a path that is never out of
    sight."""
    edge = 1.44 - radius
    u = (x + edge) % (4 * edge)
    return np.minimum(u, 4 * edge - u) - edge


def motion_path(motion, t, r0, ground, speed, rng, follow, x0=None):
    """x, y, radius, angle, squash [T] of one motion without end. Every path stays below 10 pixels a
    frame. What bounces or flies turns back at the edges; what rolls comes from its side of the
    frame, leaves and comes again."""
    T = len(t)
    if x0 is None:
        x0 = float(rng.uniform(-0.7, 0.7)) - 0.5 * (
            (motion == "roll_right") - (motion == "roll_left")
        )
    turn = 1.0 if rng.random() < 0.5 else -1.0
    phase = float(rng.uniform(0, 1))
    stand = ground + r0
    x, y = np.full(T, x0), np.full(T, stand)
    r, angle, squash = np.full(T, r0), np.zeros(T), np.ones(T)
    wave = lambda period: np.sin(2 * np.pi * (t / period + phase))
    if motion == "bounce":
        p = (t / (2.2 / speed**0.5) + phase) % 1
        height = float(rng.uniform(0.40, 0.60))
        squash = 1 - 0.20 * np.exp(-((np.minimum(p, 1 - p) / 0.07) ** 2))
        y = stand + height * 4 * p * (1 - p) - r0 * (1 - squash)
        x = x0 + turn * 0.36 * speed * t
        x = x if follow else turned_back(x, r0)
        angle = -(x - x0) / r0
    elif motion in ("roll_right", "roll_left"):
        way = 1.0 if motion == "roll_right" else -1.0
        x = x0 + way * 0.4 * speed * t
        angle = -way * 0.4 * speed * t / r0
    elif motion == "fly":
        x = x0 + turn * 0.55 * speed * t
        x = x if follow else turned_back(x, r0)
        y = 0.30 + 0.14 * wave(3.6)
        angle = 0.25 * turn * np.cos(2 * np.pi * (t / 3.6 + phase))
    elif motion == "orbit":
        a = 2 * np.pi * (turn * speed * t / 5.0 + phase)
        x, y, angle = 0.80 * np.cos(a), 0.10 + 0.42 * np.sin(a), a
    elif motion == "fall":
        trip = t / (3.4 / speed) + phase
        p = trip % 1
        y = np.maximum(1.1 + r0 - p * (1.15 - ground), stand)
        x = x0 + 0.6 * np.sin(np.floor(trip) * 2.4)
        angle = 0.7 * turn * t
    elif motion == "float":
        y = 0.18 + 0.12 * wave(4.0 / speed)
        x = x0 + 0.10 * np.sin(2 * np.pi * (t / 5 + phase))
        angle = 0.12 * np.sin(2 * np.pi * t / 4)
    elif motion == "spin":
        angle, y = turn * 2.0 * speed * t, np.full(T, stand + 0.10)
    elif motion in ("grow", "shrink"):
        u = ramp(t, 0, max(2.5, min(t[-1], 7.0)))
        r = r0 * (0.6 + 1.0 * u) if motion == "grow" else r0 * (1.6 - 1.0 * u)
        y = ground + r
    elif motion == "swing":
        a = 0.75 * np.sin(2 * np.pi * (speed**0.5 * t / 3.2 + phase))
        x, y, angle = 1.1 * np.sin(a), 1.10 - 1.15 * np.cos(a), a
    elif motion == "jump":
        p = (t / (2.2 / speed**0.5) + phase) % 1
        q = np.clip((p - 0.3) / 0.7, 0, 1)
        squash = 1 - 0.22 * np.exp(-(((p - 0.2) / 0.09) ** 2))
        y = stand + 0.55 * 4 * q * (1 - q) - r0 * (1 - squash)
    if motion in ("roll_right", "roll_left") and not follow:
        x = wrap(x, r0)
    return x, y, r, angle, squash


def settle(kind, motion, y, r):
    """Flat-bottomed shapes stand lower than a ball of the same radius."""
    if motion in ("rest", "grow", "shrink", "jump"):
        y = (
            y
            - {"triangle": 0.42, "cube": 0.20, "star": 0.12, "heart": 0.10}.get(OBJECTS[kind], 0)
            * r
        )
    return y


def hex_colour(name):
    return RGB[COLOURS.index(name)]


def body_over_time(graph, t, ground, rng):
    """The main object with its events applied, and the moments of all events in seconds."""
    T, seconds = len(t), float(t[-1]) + 1 / FPS
    kind = OBJECTS.index(graph.object)
    r0 = RADIUS[graph.size] * float(rng.uniform(0.92, 1.08))
    follow = graph.camera == "follow"
    x, y, r, angle, squash = motion_path(graph.motion, t, r0, ground, graph.speed, rng, follow)
    y = settle(kind, graph.motion, y, r)
    colour = np.repeat(hex_colour(graph.colour)[None], T, 0)
    hue = np.full(T, COLOURS.index(graph.colour))
    moments = [(i + 1) / (len(graph.events) + 1) * seconds for i in range(len(graph.events))]
    for (what, value), when in zip(graph.events, moments):
        u = ramp(t, when, 1.25)
        if what == "colour":
            colour = colour + (hex_colour(value) - colour) * u[:, None]
            hue = np.where(u > 0.5, COLOURS.index(value), hue)
        elif what == "size":
            scale = 1 + (RADIUS[value] / RADIUS[graph.size] - 1) * u
            y = y + r * (scale - 1)
            r = r * scale
        elif what in ("stop", "motion"):
            at = int(min(T - 1, np.searchsorted(t, when)))
            x2, y2, r2, a2, s2 = motion_path(
                value,
                t - when,
                float(r[at]),
                ground,
                graph.speed,
                rng,
                follow,
                x0=float(np.clip(x[at], -1.1, 1.1)) if not follow else float(x[at]),
            )
            y2 = settle(kind, value, y2, r2)
            mix = lambda a, b: a + (b - a) * u
            x, y, r, squash = mix(x, x2), mix(y, y2), mix(r, r2), mix(squash, s2)
            angle = np.where(
                t < when, angle, angle[at] + (a2 - a2[at]) * np.clip((t - when) / 0.5, 0, 1)
            )
    if OBJECTS[kind] == "balloon":
        angle = angle * 0
    return Body(kind, x, y, r, angle, squash, np.ones(T), colour, hue), moments


def second_body(value, t, when, ground, rng):
    """The newcomer of a 'second' event: grows in beside the first and rests or floats."""
    colour, kind = value.split()
    r0 = 0.24
    motion = ["rest", "float", "spin"][int(rng.integers(3))]
    x, y, r, angle, squash = motion_path(
        motion, t, r0, ground, 1.0, rng, False, x0=float(rng.choice([-0.95, 0.95]))
    )
    k = OBJECTS.index(kind)
    u = ramp(t, when, 1.25)
    return Body(
        k,
        x,
        settle(k, motion, y, r),
        r * np.maximum(u, 0.05),
        angle * (kind != "balloon"),
        squash,
        (u > 0).astype(float) * np.minimum(1, 3 * u),
        np.repeat(hex_colour(colour)[None], len(t), 0),
        np.full(len(t), COLOURS.index(colour)),
    )


def camera_path(graph, body, t):
    """pan, tilt, zoom [T]; an object under a panning camera keeps its path on the screen."""
    T = len(t)
    pan, tilt, zoom = np.zeros(T), np.zeros(T), np.ones(T)
    if graph.camera == "follow":
        drift = np.abs(body.x).max() > 2 or graph.motion in (
            "bounce",
            "roll_right",
            "roll_left",
            "fly",
        )
        pan = body.x - body.x[0] * 0.4 if drift else pan
    elif graph.camera in ("pan_right", "pan_left"):
        pan = (1 if graph.camera == "pan_right" else -1) * 0.28 * t
        body.x = body.x + pan
    elif graph.camera in ("zoom_in", "zoom_out"):
        u = ramp(t, 0, max(4.0, min(float(t[-1]), 10.0)))
        u = u if graph.camera == "zoom_in" else 1 - u
        zoom, tilt = 1 + 0.35 * u, -0.16 * u
    return pan, tilt, zoom


def light(graph, moments, t):
    """palette [T,5,3], night [T], overcast [T], rain [T], snow [T]."""
    T = len(t)
    if graph.scene in ("space", "underwater"):
        palette = np.repeat(PALETTES[graph.scene][None], T, 0).copy()
        return (
            palette,
            np.full(T, 0.55 * (graph.scene == "space")),
            np.zeros(T),
            np.zeros(T),
            np.zeros(T),
        )
    palette = np.repeat(PALETTES[graph.time][None], T, 0).copy()
    night = np.full(T, float(graph.time == "night"))
    overcast = np.full(T, OVERCAST[graph.weather])
    rain, snow = (
        np.full(T, float(graph.weather == "rain")),
        np.full(T, float(graph.weather == "snow")),
    )
    for (what, value), when in zip(graph.events, moments):
        u = ramp(t, when, 1.5)
        if what == "time":
            palette = palette + (PALETTES[value] - palette) * u[:, None, None]
            night = night + (float(value == "night") - night) * u
        elif what == "weather":
            rain = np.maximum(rain, u * (value == "rain"))
            snow = np.maximum(snow, u * (value == "snow"))
            overcast = np.maximum(overcast, u * OVERCAST[value])
    tint = np.array([0.93, 0.97, 1.05], np.float32) + night[:, None, None] * np.array(
        [-0.15, -0.05, 0.2], np.float32
    )
    grey = palette.mean(2, keepdims=True) * tint
    veil = overcast[:, None, None] * 0.62
    palette[:, :2] = palette[:, :2] * (1 - veil) + grey[:, :2] * veil * 0.92
    palette[:, 3] *= (1 - 0.18 * overcast)[:, None]
    return palette.astype(np.float32), night, overcast, rain, snow


def compose(graph, frames, start=0):
    """Scene of `frames` frames. `start` > 0 begins in the middle of a longer take."""
    rng = np.random.default_rng(graph.seed)
    t = (np.arange(frames) + start) / FPS
    horizon, ground = float(rng.uniform(-0.12, 0.02)), float(rng.uniform(-0.72, -0.56))
    body, moments = body_over_time(graph, t, ground, rng)
    bodies = [
        second_body(v, t, m, ground, rng)
        for (k, v), m in zip(graph.events, moments)
        if k == "second"
    ]
    pan, tilt, zoom = camera_path(graph, body, t)
    palette, night, overcast, rain, snow = light(graph, moments, t)
    return Scene(
        graph,
        bodies + [body],
        ground,
        horizon,
        pan,
        tilt,
        zoom,
        palette,
        night,
        overcast,
        rain,
        snow,
        fog=0.9 * (graph.weather == "fog"),
        wind=float(rng.choice([-1, 1]) * rng.uniform(0.004, 0.012)),
    )


def labels(graph):
    """Class indices of a graph for the supervised heads: scene, landmark, time, weather."""
    return (
        SCENES.index(graph.scene),
        LANDMARKS.index(graph.landmark),
        TIMES.index(graph.time),
        WEATHERS.index(graph.weather),
    )
