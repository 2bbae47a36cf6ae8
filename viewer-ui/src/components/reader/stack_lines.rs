//! Over a stack: the line of the active viewport's slice, and the place that was pointed at.

use crate::platform::page;
use yew::prelude::*;

/// Free around the place, and length of each arm, CSS pixels.
const GAP: f64 = 6.0;
const ARM: f64 = 14.0;

/// What is drawn, canvas pixels.
#[derive(Properties, PartialEq)]
pub struct StackLinesProps {
    /// Ends of the line of the active viewport's slice.
    pub reference_line: Option<[[f64; 2]; 2]>,
    /// The place that was pointed at.
    pub pointed: Option<[f64; 2]>,
}

/// The lines over one stack.
#[component]
pub fn StackLines(props: &StackLinesProps) -> Html {
    let ratio = page::device_pixel_ratio();
    let css = |[x, y]: [f64; 2]| [(x + 0.5) / ratio, (y + 0.5) / ratio];
    let mut paths = Vec::new();
    if let Some([from, to]) = props.reference_line {
        paths.push((stroke(css(from), css(to)), "reference"));
    }
    if let Some(at) = props.pointed {
        let [x, y] = css(at);
        let arms = [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)].map(|(dx, dy)| {
            let end = |way: f64| [x + dx * way, y + dy * way];
            stroke(end(GAP), end(GAP + ARM))
        });
        paths.push((arms.concat(), "pointed"));
    }
    if paths.is_empty() {
        return Html::default();
    }
    html! {
        <svg class="cross" aria-hidden="true">
            {for paths.iter().map(|(path, _)| html! { <path class="halo" d={path.clone()} /> })}
            {for paths.iter().map(|(path, class)| html! {
                <path class={classes!("line", *class)} d={path.clone()} />
            })}
        </svg>
    }
}

fn stroke([x0, y0]: [f64; 2], [x1, y1]: [f64; 2]) -> String {
    format!("M{x0:.2} {y0:.2}L{x1:.2} {y1:.2}")
}
