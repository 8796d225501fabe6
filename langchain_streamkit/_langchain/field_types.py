"""What may stand at each place of an object, so that a value is judged on its own.

Strategy: the annotations of a Pydantic class are followed down the path, and the value
at its end is validated by a class with that one field, under the same configuration.
Where nobody can say before the end what a part becomes (a union of several classes, a
validator of the whole class that sees its raw input, one that asks for other fields),
the part has no type of its own: it is judged with what it lies in.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

import annotated_types
import pydantic
import pydantic.v1
from pydantic.fields import FieldInfo
from pydantic.functional_validators import (
    AfterValidator,
    BeforeValidator,
    PlainValidator,
    WrapValidator,
)
from pydantic_core import to_json
from typing_extensions import override

__all__ = ["ANYTHING", "FieldType", "type_of"]

_VALIDATORS = {
    "after": AfterValidator,
    "before": BeforeValidator,
    "plain": PlainValidator,
    "wrap": WrapValidator,
}
_ONE_ARGUMENT = (AfterValidator, BeforeValidator, PlainValidator)
_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})
_OF_NAMES = frozenset(
    {"alias_generator", "title", "json_schema_extra", "model_title_generator",
     "field_title_generator", "populate_by_name", "validate_by_name",
     "validate_by_alias", "extra", "plugin_settings"}
)  # fmt: skip
"""What a class's configuration says of its fields together, not of their values."""


class FieldType:
    """What may stand at a place; this one takes all JSON."""

    def validate(self, value: Any) -> Any:
        """Make of a JSON value what belongs at this place.

        Args:
            value: The value.

        Returns:
            It, or an instance, a date, and so on.

        Raises:
            Exception: If it does not fit; mostly a ``pydantic.ValidationError``.
        """
        return value

    def part(self, key: str | int) -> FieldType | None:
        """What may stand in it.

        Args:
            key: A key of an object, or an index of a list.

        Returns:
            None if it is judged as a whole only.
        """
        del key
        return self


ANYTHING = FieldType()
"""Any JSON, as it is."""


def type_of(target: Any) -> FieldType:
    """What an answer must be.

    Args:
        target: A Pydantic class or another type that Pydantic knows; None for
            whatever JSON comes.

    Returns:
        The type of the whole answer.

    Example:
        >>> class Row(pydantic.BaseModel):
        ...     price: float
        >>> price = type_of(list[Row]).part(0).part("price")
        >>> price.validate(3)
        3.0
    """
    if target is None:
        return ANYTHING
    if isinstance(target, type) and issubclass(target, pydantic.v1.BaseModel):
        return _OldClass(target)
    return _Typed(target, (), {})


class _OldClass(FieldType):
    """A class of Pydantic 1, judged as a whole."""

    def __init__(self, target: type[pydantic.v1.BaseModel]) -> None:
        self._target = target

    @override
    def validate(self, value: Any) -> Any:
        return self._target.parse_obj(value)

    @override
    def part(self, key: str | int) -> FieldType | None:
        return None


class _Typed(FieldType):
    """An annotation.

    Args:
        annotation: A type.
        metadata: What ``Annotated`` or a field adds to it, validators included.
        config: The configuration of the class that it stands in.
    """

    def __init__(
        self, annotation: Any, metadata: tuple[Any, ...], config: dict[str, Any]
    ) -> None:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            metadata = (*more, *metadata)
        self._annotation = annotation
        self._metadata = metadata
        self._config = config
        self._holder: Any = None
        self._parts: dict[Any, FieldType | None] = {}

    @override
    def validate(self, value: Any) -> Any:
        if self._holder is None:
            annotated: Any = self._annotation
            for one in self._metadata:
                annotated = Annotated[annotated, one]
            make = cast("Any", pydantic.create_model)
            config = {**self._config, "protected_namespaces": ()}
            self._holder = make("Holder", __config__=config, value=(annotated, ...))
        text = to_json(value, inf_nan_mode="constants")  # strict types take JSON's form
        return self._holder.model_validate_json(b'{"value":' + text + b"}").value

    @override
    def part(self, key: str | int) -> FieldType | None:
        if not all(isinstance(one, _CONSTRAINTS) for one in self._metadata):
            return None
        kind = _container_in(self._annotation, list if isinstance(key, int) else dict)
        if kind in _FREE:
            return ANYTHING
        has_places = _is_class(kind) or get_origin(kind) is tuple
        place = key if has_places else ""
        if place not in self._parts:
            find = self._field if _is_class(kind) else self._item
            self._parts[place] = find(kind, key)
        return self._parts[place]

    def _item(self, kind: Any, key: str | int) -> FieldType | None:
        origin, args = get_origin(kind), get_args(kind)
        if not isinstance(origin, type) or not args:
            return None
        if origin is tuple and args[-1] is not Ellipsis:
            fits = isinstance(key, int) and key < len(args)
            return self._inner(args[cast("int", key)]) if fits else None
        wanted = Mapping if isinstance(key, str) else Iterable
        is_mapping = issubclass(origin, Mapping)
        if not issubclass(origin, wanted) or is_mapping != isinstance(key, str):
            return None
        return self._inner(args[1] if is_mapping else args[0])

    def _inner(self, annotation: Any) -> FieldType | None:
        if isinstance(annotation, TypeVar):
            return None
        return _Typed(annotation, (), self._config)

    def _field(self, kind: Any, key: str | int) -> FieldType | None:
        config = {k: v for k, v in kind.model_config.items() if k not in _OF_NAMES}
        if issubclass(kind, pydantic.RootModel):
            root = _field_type(cast("Any", kind), "root", config)
            return None if root is None else root.part(key)
        if _looks_at_raw_input(kind):
            return None
        fields: dict[str, FieldInfo] = kind.model_fields
        for name, info in fields.items():
            if key == (info.validation_alias or name):
                return _field_type(kind, name, config)
        return ANYTHING if kind.model_config.get("extra") == "allow" else None


_CONSTRAINTS = (annotated_types.BaseMetadata, FieldInfo, str)
_FREE: tuple[Any, ...] = (Any, object, dict, list)


def _container_in(annotation: Any, wanted: type) -> Any:
    """The only arm of a union that can be a container; anything else as it is.

    A class is always an object, and a list is never one, so of these two the bracket
    decides.
    """
    if get_origin(annotation) not in {Union, types.UnionType}:
        return annotation
    arms = [arm for arm in get_args(annotation) if arm not in _SCALARS]
    if len(arms) == 2:
        lists = [arm for arm in arms if (get_origin(arm) or arm) is list]
        others = [arm for arm in arms if _is_object(arm)]
        if len(lists) == len(others) == 1:
            arms = lists if wanted is list else others
    return arms[0] if len(arms) == 1 else None


def _is_object(arm: Any) -> bool:
    if (get_origin(arm) or arm) is dict:
        return True
    return _is_class(arm) and not issubclass(arm, pydantic.RootModel)


def _is_class(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)


def _field_type(
    kind: type[pydantic.BaseModel], name: str, config: dict[str, Any]
) -> FieldType | None:
    info = kind.model_fields[name]
    decorators = kind.__pydantic_decorators__
    metadata: list[Any] = list(info.metadata)
    if info.discriminator is not None:
        metadata.append(FieldInfo(discriminator=info.discriminator))
    metadata += [
        _VALIDATORS[one.info.mode](one.func)
        for one in decorators.field_validators.values()
        if {name, "*"} & set(one.info.fields)
    ]
    old = (one.info.fields for one in decorators.validators.values())
    is_odd = any({name, "*"} & set(fields) for fields in old)
    if is_odd or not all(map(_judges_alone, metadata)):
        return None
    return _Typed(info.annotation, tuple(metadata), config)


def _looks_at_raw_input(kind: type[pydantic.BaseModel]) -> bool:
    """Whether the class may make another object of its input before it is read."""
    decorators = kind.__pydantic_decorators__
    modes = {one.info.mode for one in decorators.model_validators.values()}
    modes |= {one.info.mode for one in decorators.root_validators.values()}
    return bool(modes - {"after"}) or kind.__pydantic_custom_init__


def _judges_alone(one: object) -> bool:
    """Whether a validator sees nothing but the value, and so cannot ask for others."""
    if not isinstance(one, (*_ONE_ARGUMENT, WrapValidator)):
        return True
    try:
        taken = len(inspect.signature(cast("Any", one).func).parameters)
    except (TypeError, ValueError):  # built in, such as ``int``
        return True
    return taken == (1 if isinstance(one, _ONE_ARGUMENT) else 2)
