//! What pointers, the wheel and a dragged series do to a viewport.

use super::rail::DRAG_TYPE;
use crate::input::gesture::{self, Steps};
use crate::input::lines;
use crate::input::pointers::{Kind, LONG_PRESS_MS, Place, Pointers, Press};
use crate::platform::{clock, page, pointer, style};
use crate::store::Command;
use std::cell::RefCell;
use viewer_core::model::SeriesId;
use viewer_core::state::{Action, Tool, ViewChange};
use viewer_core::tools::crosshair::Crosshair;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Listeners for the pointers of a viewport.
pub struct PointerListeners {
    /// `onpointerdown`.
    pub down: Callback<PointerEvent>,
    /// `onpointermove`.
    pub moved: Callback<PointerEvent>,
    /// `onpointerup`.
    pub up: Callback<PointerEvent>,
    /// `onpointercancel`.
    pub cancelled: Callback<PointerEvent>,
    /// `onpointerleave`.
    pub left: Callback<PointerEvent>,
    /// `ondblclick`.
    pub double: Callback<MouseEvent>,
}

fn is_on_control(event: &web_sys::Event) -> bool {
    event
        .target_dyn_into::<web_sys::Element>()
        .is_some_and(|target| target.closest("button").ok().flatten().is_some())
}

fn place(element: &web_sys::Element, event: &PointerEvent) -> Place {
    Place {
        id: event.pointer_id(),
        css: [f64::from(event.client_x()), f64::from(event.client_y())],
        at: pointer::place(element, event),
    }
}

fn kind(event: &PointerEvent) -> Kind {
    match event.pointer_type().as_str() {
        "touch" => Kind::Touch,
        "pen" => Kind::Pen,
        _ => Kind::Mouse,
    }
}

/// The viewport that pointers are over.
#[derive(Debug, Clone, Copy)]
pub struct Pointed<'a> {
    /// Its place in the layout.
    pub index: usize,
    /// What the left button does.
    pub tool: Tool,
    /// The lines that are drawn in it.
    pub crosshair: Option<&'a Crosshair>,
    /// It shows a plane of a volume.
    pub is_plane: bool,
    /// It is the active one.
    pub is_active: bool,
    /// Two fingers side by side change the brightness.
    pub brightens: bool,
}

/// Gives the pointer the shape of what it holds, or would take hold of.
fn shape(
    element: &web_sys::Element,
    crosshair: &Crosshair,
    tool: Tool,
    pointers: &Pointers,
    at: [f64; 2],
) {
    if tool != Tool::Crosshair {
        return;
    }
    let held = pointers.held();
    let ratio = page::device_pixel_ratio();
    let under = held.or_else(|| lines::under(Some(crosshair), tool, at, ratio));
    let shape = lines::cursor(crosshair, under, held.is_some());
    style::set(element, "cursor", shape);
}

/// Up to this width of the window the active plane is large and the others small beside it; as in the style sheet.
const NARROW_PX: f64 = 820.0;

/// What pointers do to a viewport.
#[hook]
pub fn use_pointers(
    pointed: Pointed<'_>,
    node: &NodeRef,
    dispatch: &Callback<Command>,
) -> PointerListeners {
    let Pointed {
        index,
        tool,
        is_plane,
        is_active,
        brightens,
        ..
    } = pointed;
    let crosshair = pointed.crosshair.cloned();
    let pointers = use_mut_ref(Pointers::default);
    {
        // The pointer's shape is that of the tool until it moves.
        let node = node.clone();
        let has_shape = is_plane && tool == Tool::Crosshair;
        use_effect_with((has_shape, crosshair.is_some()), move |(has_shape, _)| {
            if let Some(element) = node.cast::<web_sys::Element>() {
                style::set(
                    &element,
                    "cursor",
                    if *has_shape { "crosshair" } else { "" },
                );
            }
        });
    }
    let down = {
        let (pointers, node, dispatch) = (pointers.clone(), node.clone(), dispatch.clone());
        let crosshair = crosshair.clone();
        Callback::from(move |event: PointerEvent| {
            let Some(element) = node.cast::<web_sys::Element>() else {
                return;
            };
            if is_on_control(&event) {
                return;
            }
            dispatch.emit(Command::Act(Action::Activate(index)));
            if is_plane && !is_active && page::window_width() <= NARROW_PX {
                // It becomes the large one: what lies under the pointer is another place then.
                return;
            }
            pointer::capture(&element, event.pointer_id());
            let place = place(&element, &event);
            let ratio = page::device_pixel_ratio();
            let press = Press {
                place,
                kind: kind(&event),
                button: event.button(),
                tool,
                handle: lines::under(crosshair.as_ref(), tool, place.at, ratio),
                brightens,
            };
            let (number, command) = pointers.borrow_mut().press(index, &press);
            if let Some(command) = command {
                dispatch.emit(command);
            }
            if let Some(crosshair) = &crosshair {
                shape(&element, crosshair, tool, &pointers.borrow(), place.at);
            }
            if press.button == 1 {
                // No browser's own scrolling by the middle button.
                event.prevent_default();
            }
            if press.kind == Kind::Touch {
                // A new touch takes away what the last long press found.
                dispatch.emit(Command::Hover(index, None));
                let (pointers, dispatch) = (pointers.clone(), dispatch.clone());
                spawn_local(async move {
                    clock::sleep(LONG_PRESS_MS).await;
                    let command = pointers.borrow_mut().rest(index, number);
                    if let Some(command) = command {
                        dispatch.emit(command);
                    }
                });
            }
        })
    };
    let moved = {
        let (pointers, node, dispatch) = (pointers.clone(), node.clone(), dispatch.clone());
        Callback::from(move |event: PointerEvent| {
            let Some(element) = node.cast::<web_sys::Element>() else {
                return;
            };
            let (place, ratio) = (place(&element, &event), page::device_pixel_ratio());
            let alone = event.alt_key();
            let commands = pointers.borrow_mut().moved(index, place, ratio, alone);
            if let Some(crosshair) = &crosshair {
                shape(&element, crosshair, tool, &pointers.borrow(), place.at);
            }
            for command in commands {
                dispatch.emit(command);
            }
        })
    };
    let up = {
        let (pointers, dispatch) = (pointers.clone(), dispatch.clone());
        Callback::from(move |event: PointerEvent| {
            let (id, now_ms) = (event.pointer_id(), clock::now_ms());
            let command = pointers.borrow_mut().released(index, id, now_ms);
            if let Some(command) = command {
                dispatch.emit(command);
            }
        })
    };
    let cancelled = {
        let pointers = pointers.clone();
        Callback::from(move |event: PointerEvent| {
            pointers.borrow_mut().cancelled(event.pointer_id());
        })
    };
    let left = {
        let (pointers, dispatch) = (pointers.clone(), dispatch.clone());
        Callback::from(move |_: PointerEvent| {
            let command = pointers.borrow().left(index);
            if let Some(command) = command {
                dispatch.emit(command);
            }
        })
    };
    let double = {
        let dispatch = dispatch.clone();
        Callback::from(move |event: MouseEvent| {
            let command = pointers.borrow().double_click(index);
            if let (Some(command), false) = (command, is_on_control(&event)) {
                dispatch.emit(command);
            }
        })
    };
    PointerListeners {
        down,
        moved,
        up,
        cancelled,
        left,
        double,
    }
}

/// The wheel over a viewport: scrolls, and with Ctrl zooms to the pointer.
#[hook]
pub fn use_wheel(index: usize, node: &NodeRef, dispatch: &Callback<Command>) {
    let (node, dispatch) = (node.clone(), dispatch.clone());
    use_effect_with(index, move |index| {
        let (index, steps) = (*index, RefCell::new(Steps::default()));
        let element = node.cast::<web_sys::Element>();
        let guard = element.map(|element| {
            pointer::on_wheel(element, move |wheel| {
                dispatch.emit(Command::Act(Action::Activate(index)));
                let action = if wheel.ctrl {
                    let change = ViewChange::ZoomBy {
                        factor: gesture::wheel_zoom(wheel.delta, wheel.is_lines),
                        about: Some(wheel.at),
                    };
                    Action::ChangeView {
                        viewport: index,
                        change,
                    }
                } else {
                    let steps = &mut steps.borrow_mut();
                    let delta =
                        gesture::wheel_images(steps, wheel.delta, wheel.is_lines, wheel.shift);
                    if delta == 0 {
                        return;
                    }
                    Action::ScrollBy {
                        viewport: index,
                        delta,
                    }
                };
                dispatch.emit(Command::Act(action));
            })
        });
        move || {
            if let Some(guard) = guard {
                guard();
            }
        }
    });
}

/// Listeners for a series that is dragged over a viewport.
pub struct DropListeners {
    /// `ondragover`.
    pub over: Callback<DragEvent>,
    /// `ondragleave`.
    pub leave: Callback<DragEvent>,
    /// `ondrop`.
    pub dropped: Callback<DragEvent>,
    /// A series is over the viewport now.
    pub is_target: bool,
}

/// What happens when a series is dragged over the viewport at a place of the layout.
#[hook]
pub fn use_drop(index: usize, node: &NodeRef, dispatch: &Callback<Command>) -> DropListeners {
    let is_target = use_state_eq(|| false);
    let over = {
        let is_target = is_target.setter();
        Callback::from(move |event: DragEvent| {
            let Some(transfer) = event.data_transfer() else {
                return;
            };
            // Files and texts from elsewhere are not for a viewport.
            let is_series = transfer
                .types()
                .iter()
                .any(|it| it.as_string().as_deref() == Some(DRAG_TYPE));
            if is_series {
                event.prevent_default();
                transfer.set_drop_effect("copy");
                is_target.set(true);
            }
        })
    };
    let leave = {
        let (is_target, node) = (is_target.setter(), node.clone());
        Callback::from(move |event: DragEvent| {
            // Going over a text within the viewport is no leaving.
            let to = event
                .related_target()
                .and_then(|to| wasm_bindgen::JsCast::dyn_into::<web_sys::Node>(to).ok());
            let is_inside = node
                .cast::<web_sys::Node>()
                .is_some_and(|node| to.as_ref().is_some_and(|to| node.contains(Some(to))));
            if !is_inside {
                is_target.set(false);
            }
        })
    };
    let dropped = {
        let (is_target, dispatch) = (is_target.setter(), dispatch.clone());
        Callback::from(move |event: DragEvent| {
            is_target.set(false);
            let text = event
                .data_transfer()
                .and_then(|transfer| transfer.get_data(DRAG_TYPE).ok());
            let Some(id) = text.and_then(|text| text.parse().ok()) else {
                return;
            };
            event.prevent_default();
            dispatch.emit(Command::Act(Action::Activate(index)));
            dispatch.emit(Command::Act(Action::Assign {
                viewport: index,
                series: SeriesId(id),
                slice: None,
            }));
        })
    };
    DropListeners {
        over,
        leave,
        dropped,
        is_target: *is_target,
    }
}
