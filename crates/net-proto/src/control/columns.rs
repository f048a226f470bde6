//! Which columns a world tells of.

use core::num::NonZeroU8;

use spatial_core::{
    Audience, ColumnSchema, Durability, Kind, LaneSchema, LaneType, Replication, Steps, Table,
    Wire, WireParts,
};

use crate::bytes::ByteReader;
use crate::error::WireError;
use crate::limits::COLUMNS_MAX;
use crate::replication::WireColumns;
use crate::text::is_printable;

impl WireColumns {
    /// Appends the content of a message.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let schemas = self.schemas();
        out.push(u8::try_from(schemas.len()).unwrap_or(u8::MAX)); // at most COLUMNS_MAX
        for column in schemas {
            push_name(out, &column.name);
            out.push(column.kind as u8);
            out.extend_from_slice(&column.version.to_le_bytes());
            out.push(column.replication.audience as u8);
            out.extend_from_slice(&column.replication.rate_hz.to_le_bytes());
            out.push(column.replication.priority);
            out.push(u8::try_from(column.lanes.len()).unwrap_or(u8::MAX)); // at most 32
            for lane in &column.lanes {
                push_name(out, &lane.name);
                out.push(lane.lane_type as u8);
                push_wire(out, lane.wire);
            }
        }
    }

    pub(super) fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        let count = usize::from(reader.u8()?);
        if count > COLUMNS_MAX {
            return Err(WireError::Field("columns"));
        }
        let mut columns = Vec::new();
        for _ in 0..count {
            columns.push(read_column(reader)?);
        }
        // Whatever a table would refuse is refused.
        let mut table = Table::new();
        for column in &columns {
            table
                .register_column(column)
                .map_err(|_| WireError::Field("column"))?;
        }
        let read = Self::new(&columns).map_err(|_| WireError::Field("columns"))?;
        // Those for all come first, and no two have the same name.
        match read.schemas() == columns && table.columns().len() == columns.len() {
            true => Ok(read),
            false => Err(WireError::Field("columns")),
        }
    }
}

fn read_column(reader: &mut ByteReader<'_>) -> Result<ColumnSchema, WireError> {
    let name = read_name(reader)?;
    let kind = Kind::from_code(reader.u8()?).ok_or(WireError::Field("column kind"))?;
    let version = reader.u16()?;
    let audience = match reader.u8()? {
        1 => Audience::All,
        2 => Audience::Owner,
        _ => return Err(WireError::Field("audience")),
    };
    let replication = Replication {
        audience,
        rate_hz: reader.u16()?,
        priority: NonZeroU8::new(reader.u8()?)
            .ok_or(WireError::Field("priority"))?
            .get(),
    };
    let count = reader.u8()?;
    let lanes: Result<_, _> = (0..count).map(|_| read_lane(reader)).collect();
    Ok(ColumnSchema {
        name,
        kind,
        version,
        durability: Durability::Transient, // what becomes of it elsewhere is not told
        replication,
        lanes: lanes?,
    })
}

fn read_lane(reader: &mut ByteReader<'_>) -> Result<LaneSchema, WireError> {
    let name = read_name(reader)?;
    let lane_type = LaneType::from_code(reader.u8()?).ok_or(WireError::Field("lane type"))?;
    let wire = read_wire(reader, lane_type)?;
    Ok(LaneSchema {
        name,
        lane_type,
        wire,
    })
}

/// No bits for values as they are; else bits, and least value, greatest and quantum as decimal numbers.
fn push_wire(out: &mut Vec<u8>, wire: Wire) {
    let Wire::Steps(steps) = wire else {
        return out.push(0);
    };
    out.push(u8::try_from(steps.bits()).unwrap_or(u8::MAX)); // at most 52
    for number in numbers(steps) {
        push_name(out, &format!("{number:e}"));
    }
}

fn numbers(steps: Steps) -> [f64; 3] {
    [steps.min(), steps.max(), steps.quantum()]
}

fn read_wire(reader: &mut ByteReader<'_>, lane_type: LaneType) -> Result<Wire, WireError> {
    let bits = match reader.u8()? {
        0 => return Ok(Wire::Whole),
        bits => u32::from(bits),
    };
    let mut number = || {
        let text = read_name(reader)?;
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        // There is one spelling of each.
        let number = number.filter(|number| format!("{number:e}") == text);
        number.ok_or(WireError::Field("number"))
    };
    let (min, max, quantum) = (number()?, number()?, number()?);
    let parts = WireParts {
        bits: Some(bits),
        quantum: Some(quantum),
        min: Some(min),
        max: Some(max),
    };
    match Wire::new(lane_type, parts) {
        Ok(Wire::Steps(steps))
            if numbers(steps).map(f64::to_bits) == [min, max, quantum].map(f64::to_bits) =>
        {
            Ok(Wire::Steps(steps))
        }
        _ => Err(WireError::Field("lane")),
    }
}

/// A length and so many bytes of text.
fn push_name(out: &mut Vec<u8>, name: &str) {
    out.push(u8::try_from(name.len()).unwrap_or(u8::MAX)); // at most 255
    out.extend_from_slice(name.as_bytes());
}

fn read_name(reader: &mut ByteReader<'_>) -> Result<String, WireError> {
    let length = usize::from(reader.u8()?);
    match core::str::from_utf8(reader.bytes(length)?) {
        Ok(text) if length > 0 && text.chars().all(is_printable) => Ok(text.to_owned()),
        _ => Err(WireError::Field("name")),
    }
}
