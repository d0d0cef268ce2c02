//! The form of a template, and what users and merchants fill in.

use kabao_models::Sensitive;
use kabao_models::brand::{
    CommonField, CommonFieldValue, CustomFieldType, CustomFieldValue, CustomFormField,
    UserInformation, UserInformationForm,
};

use super::{Context, Refused, Rule};

const COMMON: &str = "user_information/common_field_list";
const CUSTOM: &str = "user_information/custom_field_list";

/// The most characters of an option.
const OPTION_CHARACTERS: usize = 8;

/// Checks the form that a template defines.
pub(super) fn check_definition(form: &UserInformationForm) -> Result<(), Refused> {
    let common = form.common_field_list.as_deref().unwrap_or_default();
    if has_repeats(common) {
        return Err(Refused::at(Rule::CommonFieldTwice, COMMON, ""));
    }
    let custom = form.custom_field_list.as_deref().unwrap_or_default();
    let options = |field: &CustomFormField| field.values.clone().unwrap_or_default();
    let names: Vec<_> = custom.iter().map(|field| &field.name).collect();
    if has_repeats(&names) || custom.iter().any(|field| has_repeats(&options(field))) {
        return Err(Refused::at(Rule::CustomFieldTwice, CUSTOM, ""));
    }
    let shaped = |field: &CustomFormField| is_shaped(options(field).iter().map(String::as_str));
    if custom.len() > 1 || !custom.iter().all(shaped) {
        return Err(Refused::at(Rule::CustomFieldShape, CUSTOM, ""));
    }
    if custom
        .iter()
        .flat_map(options)
        .any(|option| !is_legal(&option))
    {
        return Err(Refused::at(Rule::OptionIllegal, CUSTOM, ""));
    }
    Ok(())
}

/// Checks values against the form of the template.
pub(super) fn check_values(
    context: &Context<'_>,
    values: &UserInformation,
    form: Option<&UserInformationForm>,
) -> Result<(), Refused> {
    let common = values.common_field_list.as_deref().unwrap_or_default();
    let names: Vec<_> = common.iter().map(|field| &field.name).collect();
    if has_repeats(&names) {
        return Err(Refused::at(Rule::CommonFieldTwice, COMMON, ""));
    }
    let defined = form
        .and_then(|form| form.common_field_list.as_deref())
        .unwrap_or_default();
    for field in common {
        check_common(field, defined)?;
    }
    let custom = values.custom_field_list.as_deref().unwrap_or_default();
    let names: Vec<_> = custom.iter().map(|field| &field.name).collect();
    if has_repeats(&names) {
        return Err(Refused::at(Rule::CustomFieldTwice, CUSTOM, ""));
    }
    if custom.len() > 1 {
        return Err(Refused::at(Rule::CustomFieldShape, CUSTOM, ""));
    }
    let defined = form
        .and_then(|form| form.custom_field_list.as_deref())
        .unwrap_or_default();
    for field in custom {
        check_custom(context, field, defined)?;
    }
    Ok(())
}

/// Values are left out of refusals: they are personal.
fn check_common(field: &CommonFieldValue, defined: &[CommonField]) -> Result<(), Refused> {
    let at = |rule| Err(Refused::at(rule, COMMON, ""));
    let Some(name) = field.name.as_ref().filter(|name| defined.contains(name)) else {
        return at(Rule::CommonFieldUndefined);
    };
    let value = field.value.as_ref().map_or("", Sensitive::expose);
    match name {
        CommonField::UserFormFlagSex if !matches!(value, "男" | "女") => at(Rule::GenderWord),
        CommonField::UserFormFlagBirthday if !is_birthday(value) => at(Rule::BirthdayForm),
        CommonField::UserFormFlagEmail if !is_email(value) => at(Rule::EmailForm),
        CommonField::UserFormFlagCity if !is_city(value) => at(Rule::CityForm),
        _ => Ok(()),
    }
}

fn check_custom(
    context: &Context<'_>,
    field: &CustomFieldValue,
    defined: &[CustomFormField],
) -> Result<(), Refused> {
    let at = |rule| Err(Refused::at(rule, CUSTOM, ""));
    let Some(definition) = defined.iter().find(|known| known.name == field.name) else {
        return at(Rule::CustomFieldUndefined);
    };
    let chosen: Vec<&str> = field
        .user_chosen_values
        .as_deref()
        .unwrap_or_default()
        .iter()
        .map(Sensitive::expose)
        .collect();
    if has_repeats(&chosen) {
        return at(Rule::CustomFieldTwice);
    }
    if !is_shaped(chosen.iter().copied()) {
        return at(Rule::CustomFieldShape);
    }
    let options = definition.values.as_deref().unwrap_or_default();
    let fits = options.is_empty()
        || chosen
            .iter()
            .all(|value| options.iter().any(|o| o == value));
    let one = definition.r#type != Some(CustomFieldType::Radio) || chosen.len() == 1;
    let checked = !context.rules.check_chosen_options || (fits && one);
    if !checked || !chosen.iter().all(|value| is_legal(value)) {
        return at(Rule::OptionIllegal);
    }
    Ok(())
}

/// Adds to what a user filled in whatever else the form demands, so that the control API need not
/// know each form: a sandbox user always has something to say.
pub(super) fn filled(
    values: Option<UserInformation>,
    form: Option<&UserInformationForm>,
) -> Option<UserInformation> {
    let mut values = values.unwrap_or_default();
    let demanded = form
        .and_then(|form| form.common_field_list.as_deref())
        .unwrap_or_default();
    let common = values.common_field_list.get_or_insert_default();
    for name in demanded {
        if !common.iter().any(|field| field.name.as_ref() == Some(name)) {
            common.push(CommonFieldValue {
                name: Some(name.clone()),
                value: Some(Sensitive::plain(sample(name))),
                ..CommonFieldValue::default()
            });
        }
    }
    let demanded = form
        .and_then(|form| form.custom_field_list.as_deref())
        .unwrap_or_default();
    let custom = values.custom_field_list.get_or_insert_default();
    for field in demanded {
        let first = field.values.as_ref().and_then(|values| values.first());
        let answered = custom.iter().any(|value| value.name == field.name);
        if let (false, Some(option)) = (answered, first) {
            custom.push(CustomFieldValue {
                name: field.name.clone(),
                user_chosen_values: Some(vec![Sensitive::plain(option.as_str())]),
                ..CustomFieldValue::default()
            });
        }
    }
    values.common_field_list = values.common_field_list.filter(|fields| !fields.is_empty());
    values.custom_field_list = values.custom_field_list.filter(|fields| !fields.is_empty());
    (values != UserInformation::default()).then_some(values)
}

fn sample(field: &CommonField) -> &'static str {
    match field {
        CommonField::UserFormFlagSex => "女",
        CommonField::UserFormFlagName => "林小满",
        CommonField::UserFormFlagBirthday => "1996-08-17",
        CommonField::UserFormFlagEmail => "member@example.com",
        CommonField::UserFormFlagCity => "广东省,广州市",
        _ => "广州市天河区示例路1号",
    }
}

fn has_repeats<T: PartialEq>(items: &[T]) -> bool {
    items
        .iter()
        .enumerate()
        .any(|(index, item)| items.iter().skip(index + 1).any(|other| other == item))
}

/// One to ten options of at most eight characters.
fn is_shaped<'v>(options: impl ExactSizeIterator<Item = &'v str>) -> bool {
    (1..=10).contains(&options.len())
        && options
            .into_iter()
            .all(|option| option.chars().count() <= OPTION_CHARACTERS)
}

fn is_legal(option: &str) -> bool {
    !option.trim().is_empty() && !option.chars().any(char::is_control)
}

fn is_birthday(value: &str) -> bool {
    value.len() == 10 && value.parse::<jiff::civil::Date>().is_ok()
}

fn is_email(value: &str) -> bool {
    let plain = !value
        .chars()
        .any(|character| character.is_whitespace() || character.is_control());
    value.split_once('@').is_some_and(|(user, host)| {
        plain
            && !user.is_empty()
            && !host.contains('@')
            && host.split('.').count() > 1
            && host.split('.').all(|label| !label.is_empty())
    })
}

fn is_city(value: &str) -> bool {
    value.split_once(',').is_some_and(|(province, city)| {
        !province.is_empty() && !city.is_empty() && !city.contains(',')
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::template_rules::tests::card;
    use super::super::testing::context;
    use super::*;
    use crate::settings;

    fn common(name: CommonField, value: &str) -> CommonFieldValue {
        CommonFieldValue {
            name: Some(name),
            value: Some(Sensitive::plain(value)),
            ..CommonFieldValue::default()
        }
    }

    pub(in crate::brand) fn information(fields: &[(CommonField, &str)]) -> UserInformation {
        UserInformation {
            common_field_list: Some(
                fields
                    .iter()
                    .map(|(name, value)| common(name.clone(), value))
                    .collect(),
            ),
            ..UserInformation::default()
        }
    }

    pub(in crate::brand) fn choice(name: &str, values: &[&str]) -> UserInformation {
        UserInformation {
            custom_field_list: Some(vec![CustomFieldValue {
                name: Some(name.into()),
                user_chosen_values: Some(values.iter().map(|v| Sensitive::plain(*v)).collect()),
                ..CustomFieldValue::default()
            }]),
            ..UserInformation::default()
        }
    }

    #[test]
    fn values_have_their_form() {
        use CommonField::{
            UserFormFlagBirthday as Birthday, UserFormFlagCity as City, UserFormFlagEmail as Email,
            UserFormFlagName as Name, UserFormFlagSex as Sex,
        };
        let rules = settings::Brand::default();
        let form = UserInformationForm {
            common_field_list: Some(vec![Sex, Birthday, Email, City]),
            ..card("n").user_information.unwrap()
        };
        let drink = "喜欢的饮品";
        for (values, expected) in [
            (information(&[(Sex, "男"), (Birthday, "1996-02-29")]), None),
            (information(&[(Sex, "M")]), Some(Rule::GenderWord)),
            (
                information(&[(Birthday, "1995-02-29")]),
                Some(Rule::BirthdayForm),
            ),
            (
                information(&[(Birthday, "19960817")]),
                Some(Rule::BirthdayForm),
            ),
            (information(&[(Email, "a@b.cn")]), None),
            (information(&[(Email, "a@b")]), Some(Rule::EmailForm)),
            (information(&[(City, "广东省,广州市")]), None),
            (information(&[(City, "广州市")]), Some(Rule::CityForm)),
            (
                information(&[(Name, "林")]),
                Some(Rule::CommonFieldUndefined),
            ),
            (
                information(&[(Sex, "男"), (Sex, "女")]),
                Some(Rule::CommonFieldTwice),
            ),
            (choice(drink, &["茶"]), None),
            (choice(drink, &["茶", "咖啡"]), Some(Rule::OptionIllegal)),
            (choice(drink, &["水"]), Some(Rule::OptionIllegal)),
            (choice(drink, &[]), Some(Rule::CustomFieldShape)),
            (
                choice(drink, &["一二三四五六七八九"]),
                Some(Rule::CustomFieldShape),
            ),
            (choice(drink, &["茶", "茶"]), Some(Rule::CustomFieldTwice)),
            (choice("颜色", &["红"]), Some(Rule::CustomFieldUndefined)),
        ] {
            let found = check_values(&context(&rules), &values, Some(&form));
            assert_eq!(
                found.err().map(|refused| refused.rule),
                expected,
                "{values:?}"
            );
        }
        let loose = settings::Brand {
            check_chosen_options: false,
            ..rules
        };
        let both = choice(drink, &["茶", "水"]);
        assert!(check_values(&context(&loose), &both, Some(&form)).is_ok());
    }

    #[test]
    fn a_definition_has_one_custom_field_without_repeats() {
        let base = card("n").user_information.unwrap();
        let field = base.custom_field_list.clone().unwrap().remove(0);
        let with = |values: &[&str]| UserInformationForm {
            custom_field_list: Some(vec![CustomFormField {
                values: Some(values.iter().map(|v| (*v).to_owned()).collect()),
                ..field.clone()
            }]),
            ..base.clone()
        };
        let twice = vec![CommonField::UserFormFlagSex, CommonField::UserFormFlagSex];
        let other = CustomFormField {
            name: Some("颜色".into()),
            ..field.clone()
        };
        for (form, expected) in [
            (base.clone(), None),
            (
                UserInformationForm {
                    common_field_list: Some(twice),
                    ..base.clone()
                },
                Some(Rule::CommonFieldTwice),
            ),
            (
                UserInformationForm {
                    custom_field_list: Some(vec![field.clone(), field.clone()]),
                    ..base.clone()
                },
                Some(Rule::CustomFieldTwice),
            ),
            (
                UserInformationForm {
                    custom_field_list: Some(vec![field.clone(), other]),
                    ..base.clone()
                },
                Some(Rule::CustomFieldShape),
            ),
            (with(&["茶", "茶"]), Some(Rule::CustomFieldTwice)),
            (with(&[]), Some(Rule::CustomFieldShape)),
            (with(&["一二三四五六七八九"]), Some(Rule::CustomFieldShape)),
            (with(&["茶", " "]), Some(Rule::OptionIllegal)),
        ] {
            let found = check_definition(&form).err().map(|refused| refused.rule);
            assert_eq!(found, expected, "{form:?}");
        }
    }

    #[test]
    fn a_form_that_nobody_filled_in_gets_valid_values() {
        let rules = settings::Brand::default();
        let mut form = card("n").user_information.unwrap();
        form.common_field_list = Some(CommonField::KNOWN.to_vec());
        let values = filled(None, Some(&form)).unwrap();
        assert!(check_values(&context(&rules), &values, Some(&form)).is_ok());
        assert_eq!(
            values.common_field_list.unwrap().len(),
            CommonField::KNOWN.len()
        );
        assert_eq!(filled(None, None), None);
    }
}
