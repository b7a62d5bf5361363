"""
Face recognition networks in Keras, whose images have their channels last.

Their weights are random; what counts is which operators tf2onnx makes of them. Needs TensorFlow,
which is no dependency of this project: see `make_zoo.py`.
"""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers

LENGTH = 16
"""Of an embedding."""
SIDE = 32
"""Pixels of an input's width and height."""


def _normed(maps: object) -> object:
    random = keras.initializers.RandomUniform(0.5, 1.5)
    return layers.BatchNormalization(
        epsilon=1e-3,
        gamma_initializer=random,
        beta_initializer=keras.initializers.RandomNormal(0, 0.2),
        moving_mean_initializer=keras.initializers.RandomNormal(0, 0.2),
        moving_variance_initializer=keras.initializers.RandomUniform(0.5, 1.5),
    )(maps)


def _unit(maps: object, width: int, kernel: int, stride: int = 1) -> object:
    maps = layers.Conv2D(width, kernel, stride, padding="same", use_bias=False)(maps)
    return layers.ReLU()(_normed(maps))


def _slopes(maps: object) -> object:
    slopes = keras.initializers.RandomUniform(0.1, 0.4)
    return layers.PReLU(alpha_initializer=slopes, shared_axes=[1, 2])(maps)


def inception_resnet() -> keras.Model:
    """As FaceNet has it: branches side by side, scaled and added, an embedding of unit length."""
    images = keras.Input((SIDE, SIDE, 3), name="input")
    maps = layers.MaxPooling2D(3, 2)(_unit(images, 8, 3, 2))
    for _ in range(2):
        branches = [_unit(maps, 4, 1), _unit(_unit(maps, 4, 1), 4, 3)]
        up = layers.Conv2D(8, 1)(layers.Concatenate()(branches))
        maps = layers.ReLU()(layers.Rescaling(0.17)(up) + maps)
    pooled = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(maps))
    rows = _normed(layers.Dense(LENGTH, use_bias=False)(pooled))
    return keras.Model(images, layers.UnitNormalization()(rows))


def ghostfacenet() -> keras.Model:
    """Ghost modules with PReLU, squeeze and excitation, a global depthwise convolution."""
    images = keras.Input((SIDE, SIDE, 3), name="input")
    maps = _slopes(_normed(layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(images)))
    for _ in range(2):
        first = _slopes(_normed(layers.Conv2D(6, 1, use_bias=False)(maps)))
        cheap = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(first)
        both = layers.Concatenate()([first, _slopes(_normed(cheap))])
        squeezed = layers.GlobalAveragePooling2D(keepdims=True)(both)
        gate = layers.Conv2D(12, 1)(layers.ReLU()(layers.Conv2D(4, 1)(squeezed)))
        maps = layers.Multiply()([both, layers.Activation("hard_sigmoid")(gate)])
    small = layers.DepthwiseConv2D(16, use_bias=False)(maps)
    rows = layers.Flatten()(layers.Conv2D(LENGTH, 1, use_bias=False)(_normed(small)))
    return keras.Model(images, _normed(rows))


NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "inception-resnet": inception_resnet,
    "ghostfacenet": ghostfacenet,
}


def random_network(name: str) -> tf.types.experimental.GenericFunction:
    """Return a network of this name as a function of images, always the same."""
    keras.utils.set_random_seed(sum(name.encode()))
    network = NETWORKS[name]()
    return tf.function(lambda images: network(images, training=False))
