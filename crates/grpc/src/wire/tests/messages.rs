//! Every message of the families: the table of the model, and what the proto says of it.

use std::sync::LazyLock;

use kabao_models::{Operation, Record, brand, merchant, official_account, operations};
use prost_reflect::{DescriptorPool, MessageDescriptor};

use crate::wire::{Besides, read, write};

/// A message that stands for itself: others are inside one of them.
#[derive(Clone, Copy)]
pub(super) enum Message {
    Request(&'static Operation),
    Answer(&'static Operation),
    Notification(&'static str, &'static str),
}

impl Message {
    /// All but the chunks of uploads, which are no models.
    pub(super) fn all() -> Vec<Self> {
        let requests = operations()
            .filter(|operation| operation.upload.is_none())
            .map(Self::Request);
        let answers = operations().map(Self::Answer);
        requests.chain(answers).chain(notifications()).collect()
    }

    pub(super) fn besides(self) -> Besides {
        match self {
            Self::Request(operation) => Besides::of_request(operation),
            Self::Answer(operation) => Besides::of_answer(operation),
            Self::Notification(..) => Besides::MESSAGE,
        }
    }

    /// The full name of the proto message.
    pub(super) fn name(self) -> String {
        let (family, name) = match self {
            Self::Request(operation) => (
                operation.family.as_str(),
                format!("{}Request", operation.request.name),
            ),
            Self::Answer(operation) if operation.answer.fields.is_empty() => (
                operation.family.as_str(),
                format!("{}Response", operation.request.name),
            ),
            Self::Answer(operation) => {
                (operation.family.as_str(), operation.answer.name.to_owned())
            }
            Self::Notification(family, event) => {
                let name = with_payload(family, event, b"{}", |payload| payload.shape().name);
                (family, name.to_owned())
            }
        };
        format!("kabao.{}.v1.{name}", family.replace('_', ""))
    }

    pub(super) fn descriptor(self, pool: &DescriptorPool) -> MessageDescriptor {
        let name = self.name();
        pool.get_message_by_name(&name)
            .unwrap_or_else(|| panic!("no message {name}"))
    }

    /// Does something with an empty model.
    pub(super) fn with<T>(self, act: impl FnOnce(&mut dyn Record) -> T) -> T {
        match self {
            Self::Request(operation) => act(&mut *operation.new_request()),
            Self::Answer(operation) => act(&mut *operation.new_answer()),
            Self::Notification(family, event) => with_payload(family, event, b"{}", act),
        }
    }

    /// Reads bytes, and does something with account, violations and model.
    pub(super) fn read<T>(
        self,
        bytes: &[u8],
        act: impl FnOnce(&str, &[String], &mut dyn Record) -> T,
    ) -> Option<T> {
        self.with(|record| {
            let (account, violations) = read::read(record, bytes, self.besides()).ok()?;
            let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
            Some(act(&account, &violations, record))
        })
    }

    pub(super) fn write(self, record: &dyn Record) -> Vec<u8> {
        write::write(record, self.besides())
    }
}

/// What the protos say.
pub(super) fn pool() -> DescriptorPool {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| DescriptorPool::decode(kabao_proto::DESCRIPTOR_SET).unwrap());
    POOL.clone()
}

fn notifications() -> impl Iterator<Item = Message> {
    let families = [
        ("merchant", merchant::notifications::NOTIFICATIONS),
        ("brand", brand::notifications::NOTIFICATIONS),
        (
            "official_account",
            official_account::notifications::NOTIFICATIONS,
        ),
    ];
    families.into_iter().flat_map(|(family, types)| {
        let message = move |known: &kabao_models::NotificationType| {
            Message::Notification(family, known.event_type)
        };
        types.iter().map(message)
    })
}

/// Does something with the payload of a notification that is read from JSON.
pub(super) fn with_payload<T>(
    family: &str,
    event: &str,
    json: &[u8],
    act: impl FnOnce(&mut dyn Record) -> T,
) -> T {
    macro_rules! read {
        ($family:ident) => {
            act($family::Notification::parse(event, json)
                .unwrap()
                .unwrap()
                .payload_mut())
        };
    }
    match family {
        "merchant" => read!(merchant),
        "brand" => read!(brand),
        _ => read!(official_account),
    }
}
