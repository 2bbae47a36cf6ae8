//! Scans of the DCT processes: coefficients to samples, whole blocks or in steps.
//!
//! Source: ISO/IEC 10918-1 (ITU-T T.81) A.2 (order of blocks), F.2 (sequential), G.2 (progressive).

use super::bits::{Bits, Coefficient, CoefficientCodes, Huffman};
use super::blocks::{Block, Transform, ZIGZAG};
use super::corrupt;
use super::markers::{Frame, Scan, Tables};
use crate::decode::{DecodeError, work};

/// Where the blocks of one component lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub horizontal: usize,
    pub vertical: usize,
    /// Blocks that hold samples of the image: what a scan of this component alone codes.
    pub columns: usize,
    pub rows: usize,
    /// Blocks with those that fill up the last MCUs.
    pub padded_columns: usize,
    pub padded_rows: usize,
}

/// MCUs of a scan of several components, and the blocks of each component.
pub(super) struct Layout {
    pub mcu_columns: usize,
    pub mcu_rows: usize,
    pub grids: Vec<Grid>,
}

impl Layout {
    pub fn new(frame: &Frame) -> Self {
        let (horizontal, vertical) = (frame.horizontal(), frame.vertical());
        let (columns, rows) = (frame.columns as usize, frame.rows as usize);
        let mcu_columns = columns.div_ceil(8 * horizontal);
        let mcu_rows = rows.div_ceil(8 * vertical);
        let grids = frame.components.iter().map(|each| Grid {
            horizontal: each.horizontal,
            vertical: each.vertical,
            columns: (columns * each.horizontal).div_ceil(horizontal).div_ceil(8),
            rows: (rows * each.vertical).div_ceil(vertical).div_ceil(8),
            padded_columns: mcu_columns * each.horizontal,
            padded_rows: mcu_rows * each.vertical,
        });
        Self {
            mcu_columns,
            mcu_rows,
            grids: grids.collect(),
        }
    }

    /// Calls `step` for each block of the scan, behind each restart and behind each row of MCUs.
    fn walk(
        &self,
        scan: &Scan,
        restart_interval: u32,
        bits: &mut Bits,
        mut step: impl FnMut(&mut Bits, Step) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let alone = match scan.components[..] {
            [only] => Some(self.grids[only.index]),
            _ => None,
        };
        let (columns, rows) = match alone {
            Some(grid) => (grid.columns, grid.rows),
            None => (self.mcu_columns, self.mcu_rows),
        };
        let (mut left, mut restarts) = (restart_interval, 0);
        for row in 0..rows {
            for column in 0..columns {
                if restart_interval > 0 && left == 0 {
                    bits.restart(restarts)?;
                    restarts += 1;
                    left = restart_interval;
                    step(bits, Step::Restart)?;
                }
                left = left.saturating_sub(1);
                if alone.is_some() {
                    step(bits, Step::Block(0, row, column))?;
                    continue;
                }
                for (place, component) in scan.components.iter().enumerate() {
                    let grid = self.grids[component.index];
                    for v in 0..grid.vertical {
                        for h in 0..grid.horizontal {
                            let (y, x) = (row * grid.vertical + v, column * grid.horizontal + h);
                            step(bits, Step::Block(place, y, x))?;
                        }
                    }
                }
            }
            bits.check()?;
            step(bits, Step::RowDone(row))?;
        }
        Ok(())
    }
}

enum Step {
    /// A block: the place of its component in the scan, its row and its column.
    Block(usize, usize, usize),
    Restart,
    RowDone(usize),
}

fn table<T>(tables: &[Option<T>; 4], number: usize) -> Result<&T, DecodeError> {
    tables
        .get(number)
        .and_then(Option::as_ref)
        .ok_or_else(|| corrupt("a Huffman table is missing"))
}

fn narrow(value: i32) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let value = value.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    value
}

fn dc_difference(table: &Huffman, bits: &mut Bits) -> Result<i32, DecodeError> {
    let size = table.symbol(bits)?;
    if size > 15 {
        return Err(corrupt("an impossible DC difference"));
    }
    Ok(bits.difference(size.into()))
}

/// Lines of samples of one component, as many as one row of MCUs has.
pub(super) struct Stripe {
    samples: Vec<u16>,
    stride: usize,
    block_rows: usize,
}

impl Stripe {
    pub fn new(grid: Grid, block_rows: usize) -> Self {
        let stride = 8 * grid.padded_columns;
        Self {
            samples: vec![0; 8 * block_rows * stride],
            stride,
            block_rows,
        }
    }

    pub fn lines(&self) -> impl Iterator<Item = &[u16]> {
        self.samples.chunks(self.stride)
    }

    /// Where the samples of a block begin.
    #[inline]
    fn block(&mut self, row: usize, column: usize) -> &mut [u16] {
        work::count(64);
        let start = 8 * (row % self.block_rows) * self.stride + 8 * column;
        self.samples.get_mut(start..).unwrap_or_default()
    }
}

/// A stripe whose lines are decoded.
pub(super) struct Ready<'a> {
    /// Place in the frame.
    pub component: usize,
    /// Number of the stripe's first line among those of the component.
    pub first: usize,
    pub stripe: &'a Stripe,
}

/// Blocks that are decoded before their samples are made: what has just been written in small pieces is read slowly.
const BATCH: usize = 8;

/// Blocks of a sequential scan that wait for their transform.
struct Batch {
    blocks: [Block; BATCH],
    /// For each block: place of its component in the scan, row, column, and whether all but the first coefficient is zero.
    places: [(usize, usize, usize, bool); BATCH],
    count: usize,
}

impl Batch {
    fn new() -> Self {
        Self {
            blocks: [[0; 64]; BATCH],
            places: [(0, 0, 0, false); BATCH],
            count: 0,
        }
    }

    /// Makes the samples of all blocks.
    fn transform(&mut self, stripes: &mut [Stripe], transforms: &[&Transform]) {
        let blocks = self.blocks.iter().zip(self.places).take(self.count);
        for (block, (place, row, column, is_flat)) in blocks {
            let stripe = &mut stripes[place];
            let stride = stripe.stride;
            transforms[place].inverse(block, is_flat, stripe.block(row, column), stride);
        }
        self.count = 0;
    }
}

/// Decodes a sequential scan; `done` gets the lines of each row of MCUs. Returns how many bytes the
/// scan took.
pub(super) fn sequential(
    data: &[u8],
    layout: &Layout,
    scan: &Scan,
    tables: &Tables,
    transforms: &[Transform],
    mut done: impl FnMut(&[Ready]),
) -> Result<usize, DecodeError> {
    if (scan.start, scan.end, scan.high, scan.low) != (0, 63, 0, 0) {
        return Err(corrupt("an impossible scan header"));
    }
    let alone = scan.components.len() == 1;
    let mut codes = Vec::new();
    let mut stripes = Vec::new();
    for component in &scan.components {
        codes.push((
            table(&tables.dc, component.dc)?,
            table(&tables.ac, component.ac)?,
        ));
        let grid = layout.grids[component.index];
        stripes.push(Stripe::new(grid, if alone { 1 } else { grid.vertical }));
    }
    let transforms = scan.components.iter().map(|each| &transforms[each.index]);
    let transforms: Vec<&Transform> = transforms.collect();
    let mut before = vec![0_i32; scan.components.len()];
    let mut batch = Batch::new();
    let mut bits = Bits::new(data);
    let interval = tables.restart_interval;
    layout.walk(scan, interval, &mut bits, |bits, step| {
        match step {
            Step::Block(place, row, column) => {
                let (dc, ac) = codes[place];
                before[place] = before[place].wrapping_add(dc_difference(dc, bits)?);
                let block = &mut batch.blocks[batch.count];
                *block = [0; 64];
                block[0] = narrow(before[place]);
                let is_flat = whole_block(block, ac, bits)?;
                batch.places[batch.count] = (place, row, column, is_flat);
                batch.count += 1;
                if batch.count == BATCH {
                    batch.transform(&mut stripes, &transforms);
                }
            }
            Step::Restart => before.fill(0),
            Step::RowDone(row) => {
                batch.transform(&mut stripes, &transforms);
                let ready = stripes.iter().zip(&scan.components);
                let ready = ready.map(|(stripe, component)| Ready {
                    component: component.index,
                    first: 8 * row * stripe.block_rows,
                    stripe,
                });
                done(&ready.collect::<Vec<_>>());
            }
        }
        Ok(())
    })?;
    Ok(bits.position())
}

/// The AC coefficients of a sequential block (F.2.2.2); true where there are none.
fn whole_block(
    block: &mut Block,
    codes: &CoefficientCodes,
    bits: &mut Bits,
) -> Result<bool, DecodeError> {
    // Its state stays in registers.
    let mut own = *bits;
    let mut k = 1;
    let mut is_flat = false;
    while k < 64 {
        match codes.next(&mut own)? {
            Coefficient::Value { run, value } => {
                k += run;
                let place = ZIGZAG.get(k).ok_or_else(overfull)?;
                block[usize::from(*place & 63)] = value;
                k += 1;
            }
            Coefficient::Zeros => k += 16,
            Coefficient::End => {
                is_flat = k == 1;
                break;
            }
        }
    }
    *bits = own;
    Ok(is_flat)
}

fn overfull() -> DecodeError {
    corrupt("a block holds too many coefficients")
}

/// The coefficients of a progressive frame while its scans come in.
pub(super) struct Coefficients {
    /// For each component, blocks in rows.
    blocks: Vec<Vec<Block>>,
    /// For each component and coefficient (zigzag): the bit position it is known to.
    known_to: Vec<[Option<u8>; 64]>,
    scans: u32,
}

/// More than any encoder makes; each scan costs time even if it holds next to nothing.
const MOST_SCANS: u32 = 256;

impl Coefficients {
    pub fn new(layout: &Layout) -> Self {
        let blocks = layout.grids.iter();
        let blocks = blocks.map(|grid| vec![[0; 64]; grid.padded_columns * grid.padded_rows]);
        Self {
            blocks: blocks.collect(),
            known_to: vec![[None; 64]; layout.grids.len()],
            scans: 0,
        }
    }

    /// True where every coefficient is known to its last bit.
    pub fn is_complete(&self) -> bool {
        let mut all = self.known_to.iter().flatten();
        all.all(|known| *known == Some(0))
    }

    /// True where every component has at least its DC coefficients.
    pub fn is_picture(&self) -> bool {
        self.known_to.iter().all(|known| known[0].is_some())
    }

    /// Takes a scan in. Returns how many bytes it took.
    pub fn scan(
        &mut self,
        data: &[u8],
        layout: &Layout,
        scan: &Scan,
        tables: &Tables,
    ) -> Result<usize, DecodeError> {
        self.note(scan)?;
        let is_first = scan.high == 0;
        let mut codes = Vec::new();
        for component in &scan.components {
            codes.push(match (scan.start, is_first) {
                (0, true) => Some(table(&tables.dc, component.dc)?),
                (0, false) => None,
                _ => Some(&table(&tables.ac, component.ac)?.codes),
            });
        }
        let mut before = vec![0_i32; scan.components.len()];
        let mut band = Band {
            start: scan.start,
            end: scan.end,
            low: scan.low,
            blocks_left: 0,
        };
        let mut bits = Bits::new(data);
        let interval = tables.restart_interval;
        layout.walk(scan, interval, &mut bits, |bits, step| {
            match step {
                Step::Block(place, row, column) => {
                    let index = scan.components[place].index;
                    let block = row * layout.grids[index].padded_columns + column;
                    let block = &mut self.blocks[index][block];
                    work::count(1);
                    match codes[place] {
                        None => block[0] |= (bits.take(1) as i16) << scan.low,
                        Some(code) if scan.start == 0 => {
                            before[place] = before[place].wrapping_add(dc_difference(code, bits)?);
                            block[0] = narrow(before[place].wrapping_shl(scan.low.into()));
                        }
                        Some(code) if is_first => band.first(block, code, bits)?,
                        Some(code) => band.refine(block, code, bits)?,
                    }
                }
                Step::Restart => {
                    before.fill(0);
                    band.blocks_left = 0;
                }
                Step::RowDone(_) => {}
            }
            Ok(())
        })?;
        Ok(bits.position())
    }

    /// Refuses a scan that does not follow from those before it (G.1.1.1).
    fn note(&mut self, scan: &Scan) -> Result<(), DecodeError> {
        let impossible = || corrupt("an impossible progressive scan");
        let in_range = if scan.start == 0 {
            scan.end == 0
        } else {
            scan.start <= scan.end && scan.end < 64 && scan.components.len() == 1
        };
        if !in_range || scan.low > 13 || (scan.high != 0 && scan.high != scan.low + 1) {
            return Err(impossible());
        }
        self.scans += 1;
        if self.scans > MOST_SCANS {
            return Err(corrupt("too many scans"));
        }
        for component in &scan.components {
            for known in &mut self.known_to[component.index][scan.start..=scan.end] {
                if *known != (scan.high != 0).then_some(scan.high) {
                    return Err(impossible());
                }
                *known = Some(scan.low);
            }
        }
        Ok(())
    }

    /// The samples of all components, as [`sequential`] hands them out.
    pub fn samples(
        &self,
        layout: &Layout,
        transforms: &[Transform],
        mut done: impl FnMut(&[Ready]),
    ) {
        let new = |grid: &Grid| Stripe::new(*grid, grid.vertical);
        let mut stripes: Vec<Stripe> = layout.grids.iter().map(new).collect();
        for mcu_row in 0..layout.mcu_rows {
            for (component, (stripe, grid)) in stripes.iter_mut().zip(&layout.grids).enumerate() {
                let first = mcu_row * grid.vertical;
                let blocks = &self.blocks[component][first * grid.padded_columns..];
                let lines = blocks.chunks(grid.padded_columns).take(grid.vertical);
                for (row, line) in (first..).zip(lines) {
                    for (column, block) in line.iter().enumerate() {
                        let is_flat = block[1..].iter().all(|coefficient| *coefficient == 0);
                        let stride = stripe.stride;
                        let out = stripe.block(row, column);
                        transforms[component].inverse(block, is_flat, out, stride);
                    }
                }
            }
            let ready = stripes.iter().zip(&layout.grids).enumerate();
            let ready = ready.map(|(component, (stripe, grid))| Ready {
                component,
                first: 8 * mcu_row * grid.vertical,
                stripe,
            });
            done(&ready.collect::<Vec<_>>());
        }
    }
}

/// A band of AC coefficients of a progressive scan.
struct Band {
    start: usize,
    end: usize,
    low: u8,
    /// Blocks whose band holds nothing new, this one among them (G.1.2.2).
    blocks_left: u32,
}

impl Band {
    fn first(
        &mut self,
        block: &mut Block,
        table: &Huffman,
        bits: &mut Bits,
    ) -> Result<(), DecodeError> {
        if self.blocks_left > 0 {
            self.blocks_left -= 1;
            return Ok(());
        }
        let mut k = self.start;
        while k <= self.end {
            let symbol = table.symbol(bits)?;
            let (run, size) = (symbol >> 4, u32::from(symbol & 15));
            if size == 0 {
                if run < 15 {
                    self.blocks_left = (1 << run) - 1 + bits.take(run.into());
                    break;
                }
                k += 16;
                continue;
            }
            k += usize::from(run);
            if k > self.end {
                return Err(overfull());
            }
            let value = bits.difference(size) << self.low;
            block[usize::from(ZIGZAG[k])] = narrow(value);
            k += 1;
        }
        Ok(())
    }

    fn refine(
        &mut self,
        block: &mut Block,
        table: &Huffman,
        bits: &mut Bits,
    ) -> Result<(), DecodeError> {
        let step = 1_i16 << self.low;
        let mut k = self.start;
        while self.blocks_left == 0 && k <= self.end {
            let symbol = table.symbol(bits)?;
            let (mut run, size) = (symbol >> 4, symbol & 15);
            let value = match size {
                0 if run < 15 => {
                    self.blocks_left = (1 << run) + bits.take(run.into());
                    break;
                }
                0 => 0,
                1 if bits.take(1) == 1 => step,
                1 => -step,
                _ => return Err(corrupt("an impossible correction")),
            };
            // The run counts coefficients that are zero so far; those that are not get a bit each.
            loop {
                if k > self.end {
                    if value != 0 {
                        return Err(overfull());
                    }
                    break;
                }
                let coefficient = &mut block[usize::from(ZIGZAG[k])];
                work::count(1);
                k += 1;
                if *coefficient != 0 {
                    correct(coefficient, step, bits);
                } else if run == 0 {
                    *coefficient = value;
                    break;
                } else {
                    run -= 1;
                }
            }
        }
        if self.blocks_left > 0 {
            work::count(self.end + 1 - k.min(self.end));
            for place in &ZIGZAG[k..=self.end] {
                let coefficient = &mut block[usize::from(*place)];
                if *coefficient != 0 {
                    correct(coefficient, step, bits);
                }
            }
            self.blocks_left -= 1;
        }
        Ok(())
    }
}

/// One more bit of a coefficient that is not zero (G.1.2.3).
fn correct(coefficient: &mut i16, step: i16, bits: &mut Bits) {
    if bits.take(1) == 1 && *coefficient & step == 0 {
        *coefficient = coefficient.saturating_add(step * coefficient.signum());
    }
}
