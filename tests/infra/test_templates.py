"""Templates are parsed as CloudFormation parses them."""

from pathlib import Path
from typing import Any

import pytest

from infra.templates import NotAsDeclared, Scope, Template

TEXT = """
Parameters:
  Stage: {Type: String}
  Origins: {Type: CommaDelimitedList, Default: "http://a, http://b"}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "argus-${Stage}"}
Outputs:
  Arn: {Value: !GetAtt Queue.Arn}
"""


def attribute(logical_id: str, name: str) -> str:
    if (logical_id, name) != ("Queue", "Arn"):
        raise LookupError(f"{logical_id} has no attribute {name}")
    return "arn:q"


SCOPE = Scope(refs={"Stage": "test", "AWS::Region": "eu-west-1"}, attribute=attribute)


@pytest.fixture
def template(tmp_path: Path) -> Template:
    path = tmp_path / "small.yaml"
    path.write_text(TEXT)
    return Template.read(path)


def test_short_forms_are_expanded(template: Template) -> None:
    assert template.resources["Queue"]["Properties"] == {"QueueName": {"Fn::Sub": "argus-${Stage}"}}
    assert template.outputs == {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}


def test_a_parameter_is_given_or_has_its_default(template: Template) -> None:
    parameters = template.parameters({"Stage": "test", "Unknown": "left out"})
    assert template.values(parameters) == {"Stage": "test", "Origins": ["http://a", "http://b"]}


def test_a_parameter_without_value_and_default_is_named(template: Template) -> None:
    with pytest.raises(NotAsDeclared, match="parameter Stage has no value"):
        template.parameters({})


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"Ref": "Stage"}, "test"),
        ({"Fn::Sub": "${Stage}/${AWS::Region}/${Queue.Arn}/${!Stage}"}, "test/eu-west-1/arn:q/${Stage}"),
        ([{"a": {"Fn::GetAtt": ["Queue", "Arn"]}}, 1], [{"a": "arn:q"}, 1]),
        (
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        ),
    ],
)
def test_references_resolve_at_any_depth(node: Any, value: Any) -> None:
    assert SCOPE.resolve(node) == value


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"Ref": "Unknown"}, "Unknown is neither a parameter nor a resource"),
        ({"Fn::Sub": "${Queue.Colour}"}, "Queue has no attribute Colour"),
        ({"Fn::Select": [0, []]}, "Fn::Select .* is not supported"),
    ],
)
def test_a_reference_that_cannot_be_resolved_is_named(node: Any, message: str) -> None:
    with pytest.raises(LookupError, match=message):
        SCOPE.resolve(node)


CONDITIONAL = """
Parameters:
  Stage: {Type: String}
  Domain: {Type: String, Default: ""}
Conditions:
  HasDomain: !Not [!Equals [!Ref Domain, ""]]
  Strict: !Or [!Equals [!Ref Stage, production], !And [!Condition HasDomain, !Equals [!Ref Stage, staging]]]
Resources:
  Always: {Type: AWS::SQS::Queue}
  Sometimes: {Type: AWS::SQS::Queue, Condition: HasDomain}
Outputs:
  Name: {Condition: Strict, Value: !Ref Sometimes}
"""


@pytest.mark.parametrize(
    ("given", "conditions", "resources", "outputs"),
    [
        ({"Stage": "dev"}, {"HasDomain": False, "Strict": False}, {"Always"}, set()),
        ({"Stage": "production"}, {"HasDomain": False, "Strict": True}, {"Always"}, {"Name"}),
        (
            {"Stage": "staging", "Domain": "a.example"},
            {"HasDomain": True, "Strict": True},
            {"Always", "Sometimes"},
            {"Name"},
        ),
    ],
)
def test_resources_and_outputs_whose_condition_is_false_are_left_out(
    tmp_path: Path, given: dict[str, str], conditions: dict[str, bool], resources: set[str], outputs: set[str]
) -> None:
    path = tmp_path / "conditional.yaml"
    path.write_text(CONDITIONAL)
    template = Template.read(path)
    evaluated = template.conditions(template.parameters(given))
    kept = template.with_conditions(evaluated)
    assert (evaluated, set(kept.resources), set(kept.outputs)) == (conditions, resources, outputs)


@pytest.mark.parametrize(("domain", "value"), [(True, {"a": ["yes", 1]}), (False, {"a": [1], "b": "no"})])
def test_an_if_selects_its_branch_and_no_value_is_removed(domain: bool, value: Any) -> None:
    no_value = {"Ref": "AWS::NoValue"}
    node = {
        "a": [{"Fn::If": ["HasDomain", "yes", no_value]}, 1],
        "b": {"Fn::If": ["HasDomain", no_value, {"Fn::If": ["HasDomain", "never", "no"]}]},
    }
    assert Scope(refs={}, attribute=attribute, conditions={"HasDomain": domain}).resolve(node) == value


NAMES = """
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "argus-${Stage}-${AWS::Region}", Tags: [!Ref Stage]}}
  Alarm: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: !Sub "${Queue.QueueName}-alarm"}}
  Key: {Type: AWS::KMS::Key}
Outputs: {Name: {Value: !Ref Queue}}
"""


def test_names_become_literal_and_nothing_else() -> None:
    template = Template.parse(NAMES, name="names").with_literal_names({"Stage": "dev", "AWS::Region": "eu-west-1"})
    assert template.resources["Queue"]["Properties"] == {"QueueName": "argus-dev-eu-west-1", "Tags": [{"Ref": "Stage"}]}
    assert template.resources["Alarm"]["Properties"] == {"AlarmName": {"Fn::Sub": "${Queue.QueueName}-alarm"}}
    assert Template.parse(template.text(), name="names") == template


def test_a_template_is_limited_to_some_of_its_resources() -> None:
    limited = Template.parse(NAMES, name="names").only(["Key"])
    assert limited.body == {"Resources": {"Key": {"Type": "AWS::KMS::Key"}}}
