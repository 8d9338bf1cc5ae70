"""Every sentence that a form says to people, in Chinese and English: what is wrong with a field and what to do about it.

`{label}` is the field's title in the reader's language; other placeholders are the parameters of the error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import FieldError
from forms.texts import Text

MESSAGES: dict[str, Text] = {
    "form.required": Text("请填写“{label}”。", "Enter “{label}”."),
    "form.required.choice": Text("请选择“{label}”。", "Choose “{label}”."),
    "form.required.choices": Text("请在“{label}”中至少选择一项。", "Choose at least one for “{label}”."),
    "form.required.file": Text("请上传“{label}”。", "Upload “{label}”."),
    "form.required.table": Text("请在“{label}”中至少填写一行。", "Fill in at least one row of “{label}”."),
    "form.required.confirm": Text("请勾选“{label}”后再提交。", "Tick “{label}” before you submit."),
    "form.type.text": Text("“{label}”须为文字。", "“{label}” must be a text."),
    "form.type.number": Text("“{label}”须为数字，例如 95.5。", "“{label}” must be a number, for example 95.5."),
    "form.type.integer": Text("“{label}”须为整数，例如 12。", "“{label}” must be a whole number, for example 12."),
    "form.type.boolean": Text("“{label}”须为是或否。", "“{label}” must be yes or no."),
    "form.type.object": Text("“{label}”须为一组字段。", "“{label}” must be a group of fields."),
    "form.type.array": Text("“{label}”须为列表。", "“{label}” must be a list."),
    "form.type.file": Text("“{label}”须为已上传的文件，请重新上传。", "“{label}” must be an uploaded file; upload it again."),
    "form.number.grouping": Text(
        "“{label}”中的逗号位置不对：小数点用“.”，千位分隔写作 1,234。",
        "“{label}” has a comma in an unusual place: write decimals with a point and thousands as 1,234.",
    ),
    "form.number.size": Text("“{label}”超出范围，最多 15 位数字。", "“{label}” is too large; use at most 15 digits."),
    "form.minimum": Text("“{label}”不能小于 {limit}{unit}。", "“{label}” must be {limit}{unit} or more."),
    "form.maximum": Text("“{label}”不能大于 {limit}{unit}。", "“{label}” must be {limit}{unit} or less."),
    "form.exclusiveMinimum": Text("“{label}”须大于 {limit}{unit}。", "“{label}” must be greater than {limit}{unit}."),
    "form.exclusiveMaximum": Text("“{label}”须小于 {limit}{unit}。", "“{label}” must be less than {limit}{unit}."),
    "form.multipleOf": Text("“{label}”须为 {limit} 的倍数。", "“{label}” must be a multiple of {limit}."),
    "form.minLength": Text("“{label}”至少 {limit} 个字，现有 {count} 个。", "“{label}” must have at least {limit} characters; it has {count}."),
    "form.maxLength": Text("“{label}”最多 {limit} 个字，现有 {count} 个，请删减。", "“{label}” may have at most {limit} characters; it has {count}."),
    "form.pattern": Text("“{label}”的格式不对，请按说明填写。", "“{label}” is not in the expected format; see the hint."),
    "form.pattern.custom": Text("{message}", "{message}"),
    "form.enum": Text("请从“{label}”给出的选项中选择。", "Choose one of the options of “{label}”."),
    "form.const": Text("“{label}”只能是“{constant}”。", "“{label}” can only be {constant}."),
    "form.confirm": Text("“{label}”须选“{constant}”才能提交。", "“{label}” must be {constant} before you can submit."),
    "form.date": Text("“{label}”须为真实存在的日期，例如 2026-11-23。", "“{label}” must be a real date, for example 2026-11-23."),
    "form.date-time": Text("“{label}”须为日期和时间，例如 2026-11-23 14:05。", "“{label}” must be a date and time, for example 2026-11-23 14:05."),
    "form.email": Text("“{label}”须为邮箱地址，例如 name@example.cn。", "“{label}” must be an email address, for example name@example.com."),
    "form.uri": Text("“{label}”须为完整的网址，例如 https://example.cn/a。", "“{label}” must be a full address, for example https://example.com/a."),
    "form.single-line": Text("“{label}”只能有一行，请去掉换行。", "“{label}” must be one line; remove the line breaks."),
    "form.control": Text("“{label}”含有不可见的控制字符，请重新输入。", "“{label}” holds invisible control characters; type it again."),
    "form.minItems": Text("“{label}”至少 {limit} 项，现有 {count} 项。", "“{label}” needs at least {limit} entries; it has {count}."),
    "form.maxItems": Text("“{label}”最多 {limit} 项，现有 {count} 项，请删减。", "“{label}” may have at most {limit} entries; it has {count}."),
    "form.uniqueItems": Text("“{label}”有重复项“{repeated}”，请删去一个。", "“{label}” names {repeated} twice; remove one."),
    "form.rows.fixed": Text("“{label}”的行由系统给出，不能增加。", "The rows of “{label}” are given; none can be added."),
    "form.undeclared": Text("此表单没有字段“{name}”，请去掉它。", "This form has no field {name}; leave it out."),
    "form.readOnly": Text("“{label}”只供查看，不能提交，请去掉它。", "“{label}” can only be read; leave it out."),
    "form.file.size": Text("“{label}”的文件 {name} 太大，最多 {limit}。", "{name} is too large for “{label}”; the limit is {limit}."),
    "form.file.kind": Text("“{label}”不接受文件 {name}，请上传 {accept}。", "“{label}” does not take {name}; upload {accept}."),
    "form.file.empty": Text("“{label}”的文件 {name} 是空的，请重新选择。", "{name} is empty; choose another file for “{label}”."),
    "form.file.unknown": Text("“{label}”引用的文件已不存在，请重新上传。", "The file of “{label}” is no longer there; upload it again."),
    "form.not-json": Text("提交的数据不是有效的 JSON 值。", "The data sent are not valid JSON values."),
}

PHRASES: dict[str, Text] = {
    "choose": Text("请选择", "Choose"),
    "yes": Text("是", "Yes"),
    "no": Text("否", "No"),
    "in_unit": Text("（{unit}）", " ({unit})"),
    "skippable": Text("不适用时可整组留空。", "Leave all of it empty where it does not apply."),
    "required": Text("必填", "required"),
    "add_row": Text("添加一行", "Add a row"),
    "remove_row": Text("删除第 {number} 行", "Remove row {number}"),
    "up_row": Text("上移第 {number} 行", "Move row {number} up"),
    "down_row": Text("下移第 {number} 行", "Move row {number} down"),
    "row": Text("第 {number} 行", "Row {number}"),
    "actions": Text("操作", "Actions"),
    "no_rows": Text("还没有行。", "No rows yet."),
    "refresh": Text("刷新后面的字段", "Refresh the fields below"),
    "preview": Text("预览", "Preview"),
    "preview_of": Text("“{label}”的预览", "Preview of {label}"),
    "markdown_help": Text("可用 Markdown：**加粗**、# 标题、- 列表、| 表格 |。", "Markdown works: **bold**, # heading, - list, | table |."),
    "lines_help": Text("一行填一项。", "One entry a line."),
    "characters": Text("最多 {limit} 个字。", "At most {limit} characters."),
    "file_kept": Text("已上传", "Uploaded"),
    "file_replace": Text("选择新文件可替换已上传的文件。", "Choosing another file replaces the uploaded one."),
    "file_more": Text("可一次选择多个文件。", "Several files can be chosen at once."),
    "file_remove": Text("移除 {name}", "Remove {name}"),
    "file_limit": Text("最大 {limit}", "at most {limit}"),
    "errors_title": Text("有 {count} 处需要修改", "Answers to correct: {count}"),
    "error_prefix": Text("错误：", "Error: "),
    "submit": Text("提交", "Submit"),
    "draft": Text("保存草稿", "Save draft"),
    "no_data": Text("无数据", "No data"),
    "missing": Text("未填写：{titles}。", "Not given: {titles}."),
    "comma": Text("、", ", "),
    "not_given": Text("未填写", "Not given"),
    "line": Text("第 {number} 项：", "Entry {number}: "),
}


def _say(text: Text, lang: str, params: Mapping[str, Any]) -> str:
    plain = {name: _in(lang, value) for name, value in params.items()}
    return text.get(lang).format_map(plain)


def _in(lang: str, value: Any) -> str:
    """A parameter in one language: texts travel as {"zh", "en"}, so that an error is plain JSON."""
    return Text(value["zh"], value.get("en")).get(lang) if isinstance(value, Mapping) else str(value)


def message(error: FieldError, lang: str) -> str:
    """The error in `zh` or `en`; an id that this catalogue does not hold reads as its English message."""
    known = MESSAGES.get(error.message_id)
    return _say(known, lang, error.params) if known else error.message


def phrase(name: str, lang: str, /, **params: Any) -> str:
    """A fixed text of the rendered form."""
    return _say(PHRASES[name], lang, params)


def field_error(pointer: str, message_id: str, /, **params: Any) -> FieldError:
    """An error with its complete English message."""
    plain = {name: {"zh": value.zh, "en": value.get("en")} if isinstance(value, Text) else value for name, value in params.items()}
    return FieldError(pointer, message_id, plain, _say(MESSAGES[message_id], "en", plain))
